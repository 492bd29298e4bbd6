"""Prints one value of the JSON on standard input. Usage: python field.py KEY|NUMBER..."""

import json
import sys

value = json.load(sys.stdin)
for step in sys.argv[1:]:
    value = value[int(step)] if isinstance(value, list) else value[step]
print(value)
