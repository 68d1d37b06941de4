"""Prints the newest version of glibc that a program or library asks for: python newest_glibc.py FILE."""

import sys

from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

with open(sys.argv[1], "rb") as file:
    versions = [
        tuple(map(int, needed.name.removeprefix("GLIBC_").split(".")))
        for section in ELFFile(file).iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, wanted in section.iter_versions()
        for needed in wanted
        if needed.name.startswith("GLIBC_2.")
    ]
print(".".join(map(str, max(versions))))
