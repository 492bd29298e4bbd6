"""A document as the predicate of an in-toto statement about files, in a DSSE envelope that is signed with a key.

Usage: python enveloped.py KEY DOCUMENT FILE...
"""

import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

PREDICATE_TYPES = {
    "provenance": "https://slsa.dev/provenance/v1",
    "spdx": "https://spdx.dev/Document/v2.3",
    "cyclonedx": "https://cyclonedx.org/bom",
}


def kind_of(document):
    """Each of the three says what it is."""
    if "buildDefinition" in document:
        return "provenance"
    return "spdx" if "spdxVersion" in document else "cyclonedx"


def subject(path):
    with open(path, "rb") as file:
        return {"name": os.path.basename(path), "digest": {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}}


def main():
    key, document, *files = sys.argv[1:]
    with open(document, encoding="utf-8") as file:
        predicate = json.load(file)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject(path) for path in files],
        "predicateType": PREDICATE_TYPES[kind_of(predicate)],
        "predicate": predicate,
    }
    with open(key, "rb") as file:
        signer = CryptoSigner(load_pem_private_key(file.read(), None))
    envelope = Envelope(json.dumps(statement).encode(), "application/vnd.in-toto+json", {})
    envelope.sign(signer)
    json.dump(envelope.to_dict(), sys.stdout)


if __name__ == "__main__":
    main()
