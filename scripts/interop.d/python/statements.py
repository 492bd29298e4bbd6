"""Judges every statement of a live log with in-toto's and sigstore's own models.

Usage: INTEROP_TOKEN=... python statements.py URL VECTORS SHOWN
VECTORS has the golden statements: the types that no log can have yet are judged there. SHOWN is what `holdfast show` says.

sigstore's model of digests is closed and has no BLAKE3, which in-toto allows: so its statement is given without the BLAKE3
digest of each subject, and must refuse the original for that and nothing else.
"""

import base64
import copy
import json
import os
import pathlib
import sys
from collections import Counter

from google.protobuf import json_format
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from securesystemslib.dsse import Envelope as SecureSystemsEnvelope
from sigstore import dsse
from sigstore.errors import Error as SigstoreError

from judge import Registry, require

PREFIX = "urn:holdfast:"
# What the rule book of today does not take yet.
LATER = {"hold", "unhold", "extend", "delete", "sweep", "swept"}


def in_toto(payload):
    """What in-toto's protobuf reads: predicate type, and digests by subject."""
    parsed = json_format.Parse(payload, statement_pb2.Statement())
    InTotoStatement.copy_from_pb(parsed).validate()
    return parsed.predicate_type, {subject.name: dict(subject.digest) for subject in parsed.subject}


def sigstore(payload):
    parsed = dsse.Statement(payload)._inner
    return parsed.predicate_type, {subject.name: dict(subject.digest.root) for subject in parsed.subjects}


def judge_statement(payload):
    """Both models must read what stands there, and refuse it when it is damaged."""
    statement = json.loads(payload)
    written = {subject["name"]: subject["digest"] for subject in statement["subject"]}
    require(in_toto(payload) == (statement["predicateType"], written), "in-toto reads another statement")
    without = without_blake3(statement)
    sha256 = {name: {"sha256": digests["sha256"]} for name, digests in written.items()}
    require(sigstore(encoded(without)) == (statement["predicateType"], sha256), "sigstore reads another statement")
    complaint = refusal(sigstore, payload)
    require(complaint.count(".[key]") == len(written) and complaint.count("blake3.[key]") == len(written), complaint)
    for what, damaged in damages(without):
        for judge in (in_toto, sigstore):
            require(refusal(judge, encoded(damaged)), f"{judge.__name__} takes a statement with {what}")
    return statement["predicateType"].removeprefix(PREFIX).removesuffix(":v1"), written


def without_blake3(statement):
    changed = copy.deepcopy(statement)
    for subject in changed["subject"]:
        del subject["digest"]["blake3"]
    return changed


def damages(statement):
    yield "another type", statement | {"_type": "https://in-toto.io/Statement/v0.9"}
    yield "no subject", statement | {"subject": []}
    yield "a number for its subjects", statement | {"subject": 1}
    yield "a number for its predicate type", statement | {"predicateType": 1}
    yield "a list for its predicate", statement | {"predicate": []}


def refusal(judge, payload):
    """Why it is refused; nothing when it is taken."""
    try:
        judge(payload)
    except (SigstoreError, ValueError, json_format.ParseError) as error:
        return str(error)
    return ""


def encoded(statement):
    return json.dumps(statement).encode()


def judge_envelope(envelope):
    """The payload, when both readers of DSSE find the same."""
    payload = base64.b64decode(envelope["payload"])
    ours = b"DSSEv1 %d %s %d %s" % (len(envelope["payloadType"]), envelope["payloadType"].encode(), len(payload), payload)
    read = dsse.Envelope._from_json(encoded(envelope))
    require(read.pae() == ours, "sigstore signs other bytes")
    require(SecureSystemsEnvelope.from_dict(copy.deepcopy(envelope)).pae() == ours, "securesystemslib signs other bytes")
    for damaged in (envelope | {"signatures": []}, envelope | {"payload": 1}):
        require(refusal(dsse.Envelope._from_json, encoded(damaged)), "sigstore takes a damaged envelope")
    return payload


def judge_log(registry):
    size, _ = registry.checkpoint()
    types, subjects = Counter(), {}
    for entry in registry.entries(size):
        kind, written = judge_statement(judge_envelope(json.loads(entry)["envelope"]))
        types[kind] += 1
        subjects.setdefault(kind, []).append(written)
    return types, subjects


def judge_vectors(folder):
    types = Counter()
    for case in json.loads((folder / "index.json").read_bytes()):
        if case["expect"] == "accept":
            types[judge_statement((folder / case["file"]).read_bytes())[0]] += 1
    return types


def main():
    url, folder, shown = sys.argv[1:]
    golden = judge_vectors(pathlib.Path(folder))
    types, subjects = judge_log(Registry(url, os.environ["INTEROP_TOKEN"]))
    missing = set(golden) - LATER - set(types)
    require(not missing, f"the log has no {', '.join(sorted(missing))}")
    with open(shown, encoding="utf-8") as file:
        digests = json.load(file)["digests"]
    for kind in ("publish", "pin", "attest", "deploy"):
        named = [subject for written in subjects[kind] for subject in written.values()]
        require(digests in named, f"no {kind} is about the artifact that was shown")
    print(f"ok  sigstore, securesystemslib: DSSE envelopes of a live log  {types.total()}")
    print(f"ok  in-toto-attestation, sigstore: statements of a live log  {types.total()}, {len(types)} types")
    print(f"ok  in-toto-attestation, sigstore: golden statements  {golden.total()}, {len(golden)} types")


if __name__ == "__main__":
    main()
