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


class Begun:
    """The seed of each trial of a search, and the sum of the first batch that it saw."""

    def __init__(self):
        self.seeds, self.sums = [], []

    def watch(self, event):
        """The ``callback=`` of the search."""
        if event.kind == "trial":
            self.seeds.append(event.seed)

    def note(self, batch):
        """Takes in a batch of the training."""
        if len(self.sums) < len(self.seeds):
            self.sums.append(float(batch[0].sum()))

    def alike(self, seed):
        """The different sums of the trials with this seed."""
        return {one for one, its in zip(self.sums, self.seeds, strict=False) if its == seed}


@pytest.fixture
def begun():
    """What the trials of a search begin with."""
    return Begun()


@pytest.fixture
def staying_loader(begun):
    """Makes a PyTorch loader of 64 rows of two arrays, with a worker that stays and a copy of the generator in it; ``begun`` notes its batches."""
    np, data = pytest.importorskip("numpy"), pytest.importorskip("torch.utils.data")

    class Drawing(data.Dataset):
        def __init__(self, x, y):
            self.x, self.y, self.draw = x, y, np.random.default_rng(1)

        def __len__(self):
            return 64

        def __getitem__(self, at):
            return self.x[at] + np.float32(self.draw.normal()), self.y[at]

    class Watched(data.DataLoader):
        def __iter__(self):
            for batch in super().__iter__():
                begun.note(batch)
                yield batch

    return lambda x, y: Watched(Drawing(x, y), 32, shuffle=True, num_workers=1, persistent_workers=True)


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
