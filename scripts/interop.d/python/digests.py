"""Reads what `holdfast show --format json` says of an artifact and prints its files: path, BLAKE3, SHA-256, tab-separated."""

import json
import sys

for file in json.load(sys.stdin)["manifest"]["files"]:
    digests = file["digests"]
    print(file["path"], digests["blake3"], digests["sha256"], sep="\t")
