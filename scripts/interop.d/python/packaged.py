"""Prints a file of a crate that cargo has fetched. Usage: cargo metadata ... | python packaged.py CRATE PATH"""

import json
import pathlib
import sys

name, path = sys.argv[1:]
(package,) = [package for package in json.load(sys.stdin)["packages"] if package["name"] == name]
sys.stdout.write((pathlib.Path(package["manifest_path"]).parent / path).read_text(encoding="utf-8"))
