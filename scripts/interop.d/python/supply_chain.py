"""Judges attested envelopes with the tools of those who made the formats. Usage: python supply_chain.py KEY SHOWN ENVELOPE...

Each must be signed with the key, be a statement about files of the artifact that was shown, and carry a valid document; and
each judge must refuse it when it is damaged.
"""

import copy
import json
import sys
import tempfile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from sigstore import dsse
from spdx_tools.spdx.parser.error import SPDXParsingError
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from enveloped import PREDICATE_TYPES
from judge import require
from statements import in_toto, sigstore


def provenance(document):
    """Why it is no SLSA provenance; nothing when it is one."""
    try:
        read = json_format.ParseDict(document, provenance_pb2.Provenance())
    except json_format.ParseError as error:
        return str(error)
    definition, builder = read.build_definition, read.run_details.builder
    named = definition.build_type and builder.id and definition.external_parameters.fields
    pinned = all(dependency.digest for dependency in definition.resolved_dependencies)
    return "" if named and pinned and len(definition.resolved_dependencies) > 1 else "it names no build"


def spdx(document):
    with tempfile.NamedTemporaryFile("w", suffix=".spdx.json", encoding="utf-8") as file:
        json.dump(document, file)
        file.flush()
        try:
            found = validate_full_spdx_document(parse_file(file.name))
        except SPDXParsingError as error:
            return str(error)
    return "; ".join(sorted({message.validation_message for message in found}))


def cyclonedx(document):
    error = JsonStrictValidator(SchemaVersion.from_version(document["specVersion"])).validate_str(json.dumps(document))
    return str(error) if error else ""


# What is judged, and the field without which it is no such document.
JUDGES = {
    PREDICATE_TYPES["provenance"]: (provenance, ("buildDefinition",)),
    PREDICATE_TYPES["spdx"]: (spdx, ("creationInfo",)),
    PREDICATE_TYPES["cyclonedx"]: (cyclonedx, ("components", 0, "name")),
}


def without(document, path):
    damaged = copy.deepcopy(document)
    inner = damaged
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return damaged


def verified(envelope, key):
    """The payload of an envelope that this key signed."""
    Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
    return dsse.Envelope._from_json(json.dumps(envelope))._inner.payload


def is_refused(envelope, key):
    try:
        verified(envelope, key)
    except VerificationError:
        return True
    return False


def judge(envelope, key, files):
    payload = verified(envelope, key)
    other = SSlibKey.from_crypto(Ed25519PrivateKey.generate().public_key(), keyid=key.keyid)
    require(is_refused(envelope, other), "an envelope verifies with another key")
    kind, subjects = in_toto(payload)
    require(sigstore(payload) == (kind, subjects), "sigstore and in-toto read different statements")
    require(subjects and all(files.get(name) == digest["sha256"] for name, digest in subjects.items()), f"{kind} is about {subjects}")
    why_not, needed = JUDGES[kind]
    document = json.loads(payload)["predicate"]
    complaint = why_not(document)
    require(not complaint, f"{kind}: {complaint}")
    require(why_not(without(document, needed)), f"{kind} is valid without {needed}")
    return kind


def main():
    key_file, shown, *envelopes = sys.argv[1:]
    with open(key_file, "rb") as file:
        key = SSlibKey.from_crypto(load_pem_private_key(file.read(), None).public_key())
    with open(shown, encoding="utf-8") as file:
        files = {file["path"]: file["digests"]["sha256"] for file in json.load(file)["manifest"]["files"]}
    kinds = set()
    for path in envelopes:
        with open(path, encoding="utf-8") as file:
            kinds.add(judge(json.load(file), key, files))
    require(kinds == set(JUDGES), f"only {kinds} came back")
    print(f"ok  in-toto-attestation, spdx-tools, cyclonedx-python-lib: attested documents of our own build  {len(kinds)}")


if __name__ == "__main__":
    main()
