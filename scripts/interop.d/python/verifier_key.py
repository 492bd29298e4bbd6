"""Prints the log's key the way note verifiers take it, from `holdfast trust show --format json` on standard input."""

import base64
import hashlib
import json
import sys

ED25519 = b"\x01"
trust = json.load(sys.stdin)
origin = trust["origin"]
key = ED25519 + base64.b64decode(trust["log_keys"][0].removeprefix("ed25519:"))
short = hashlib.sha256(origin.encode() + b"\n" + key).hexdigest()[:8]
sys.stdout.write(f"{origin}+{short}+{base64.b64encode(key).decode()}")
