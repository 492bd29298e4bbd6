"""The policy on standard input, with a builder whose provenance and bills of materials a pin on shop/prod needs.

Usage: python evidence_policy.py KEY
"""

import base64
import json
import sys

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from enveloped import PREDICATE_TYPES

with open(sys.argv[1], "rb") as file:
    key = load_pem_private_key(file.read(), None).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
policy = json.load(sys.stdin)
policy["principals"].append({"id": "builder", "kind": "ed25519", "key": "ed25519:" + base64.b64encode(key).decode()})
policy["roles"].append({"role": "attester", "principals": ["builder"], "names": ["shop/*"], "channels": ["*"], "threshold": 1})
wanted = [{"kind": "attest", "predicate_type": kind, "signer": "builder"} for kind in PREDICATE_TYPES.values()]
policy["channels"].insert(0, policy["channels"][0] | {"pattern": "shop/prod", "evidence": wanted})
json.dump(policy, sys.stdout)
