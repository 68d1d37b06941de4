"""Makes the terminal picture of the README from a real run.

    pip install rich==14.2.0
    python docs/terminal.py docs/terminal.svg target/release/stepsize find
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from rich.console import Console
from rich.text import Text

COLUMNS = 80


def seen_on_a_terminal(command):
    """What ``command`` prints on a terminal of 80 columns, without its progress bar."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(command, stdin=its, stdout=its, stderr=subprocess.DEVNULL, env=environment)
    os.close(its)
    pieces = []
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says so when the last writer has closed
            break
        if not piece:
            break
        pieces.append(piece)
    if child.wait() != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    return b"".join(pieces).decode().replace("\r\n", "\n")


def main():
    path, *command = sys.argv[1:]
    text = seen_on_a_terminal(command)
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), legacy_windows=False)
    console.print(Text.assemble(("$ ", "dim"), ("stepsize " + " ".join(command[1:]), "bold")))
    console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)
    svg = console.export_svg(title="stepsize")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no request to another host
    with open(path, "w") as file:
        file.write(svg)


main()
