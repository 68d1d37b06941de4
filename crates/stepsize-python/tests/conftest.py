"""Shared by several test files."""

import os
import socket
import subprocess
import sys

import pytest

BEGIN = """
import os, sys, torch
import torch.distributed as dist
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{sys.argv[2]}", rank=int(sys.argv[1]), world_size=2)
"""
# Skips Python's shutdown, during which threads of Gloo may ask for the interpreter and abort.
END = """
sys.stdout.flush()
dist.barrier()
os._exit(0)
"""


@pytest.fixture
def two_processes():
    """Runs a script in two processes of ``torch.distributed``; returns what each printed. Both must exit with 0."""

    def run(script: str) -> list[str]:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = str(s.getsockname()[1])
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-c", BEGIN + script + END]
        workers = [
            subprocess.Popen([*words, str(rank), port], stdout=subprocess.PIPE, text=True, env=env) for rank in range(2)
        ]
        out = [worker.communicate(timeout=300)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0]
        return out

    return run


@pytest.fixture
def records():
    """Reads the records of a file that W&B writes offline, one after the other."""

    def read(data, block=32768):
        # Blocks of: checksum (4 bytes), length (2), kind (1: whole, 2: first, 3: middle, 4: last).
        at, parts = 7, b""  # after the header of the file
        while at + 7 <= len(data):
            if at % block > block - 7:
                at += block - at % block
                continue
            length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
            parts = (b"" if kind in (1, 2) else parts) + data[at + 7 : at + 7 + length]
            at += 7 + length
            if kind in (1, 4):
                yield parts

    return read
