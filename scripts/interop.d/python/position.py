"""Prints the position of a snapshot's data, from what `holdfast show` says of it on standard input."""

import json
import sys


def found(value):
    if isinstance(value, dict):
        if value.get("kind") == "pg_snapshot":
            return value["value"]
        value = list(value.values())
    if isinstance(value, list):
        return next((inner for inner in map(found, value) if inner), None)
    return None


position = found(json.load(sys.stdin))
if not position:
    sys.exit("the manifest names no position")
print(position)
