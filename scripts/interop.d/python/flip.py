"""Flips one bit in the middle of a file. Usage: python flip.py FILE"""

import pathlib
import sys

file = pathlib.Path(sys.argv[1])
content = bytearray(file.read_bytes())
content[len(content) // 2] ^= 1
file.write_bytes(content)
