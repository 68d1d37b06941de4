"""The command line: ``stepsize find``, or ``python -m stepsize find``."""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Runs the command line with the arguments of this process and returns its exit code."""
    from . import _native

    # The command line handles Ctrl-C itself, as in the program without Python around it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["stepsize", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
