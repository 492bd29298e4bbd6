"""Prints the SHA-256 of each envelope about an artifact. Usage: python attested_envelopes.py SHOWN"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    for attested in json.load(file)["attests"]:
        print(attested["attest"]["envelope"]["digests"]["sha256"])
