"""Judges a live log with pymerkle and securesystemslib: roots from the entries, and every DSSE envelope.

Usage: INTEROP_TOKEN=... python judge.py URL FOLDER
FOLDER has older checkpoints as checkpoint.*, and gets pae.bin, sig.bin and key.pem of one statement, for openssl. Each
check is done once more on damaged bytes and must then fail.
"""

import base64
import glob
import hashlib
import json
import os
import random
import sys
import urllib.request

from pymerkle import InmemoryTree
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

BUNDLE = 256
# SubjectPublicKeyInfo of an Ed25519 key, up to the key (RFC 8410).
SPKI = bytes.fromhex("302a300506032b6570032100")


class Registry:
    def __init__(self, url, token):
        self.url = url
        self.token = token

    def get(self, path):
        request = urllib.request.Request(self.url + path, headers={"Authorization": "Bearer " + self.token})
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    def checkpoint(self):
        """The published checkpoint."""
        return parse_checkpoint(self.get("/log/checkpoint").decode())

    def entries(self, size):
        for n in range(0, size, BUNDLE):
            width = min(BUNDLE, size - n)
            yield from entries_of(self.get("/log/tile/entries/" + tile_name(n // BUNDLE, width)))


def parse_checkpoint(note):
    """Size and root. (The signature is for the other judge.)"""
    lines = note.split("\n")
    return int(lines[1]), base64.b64decode(lines[2])


def tile_name(n, width):
    groups = []
    while True:
        groups.insert(0, f"{n % 1000:03}")
        n //= 1000
        if n == 0:
            break
    name = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return name if width == BUNDLE else f"{name}.p/{width}"


def entries_of(bundle):
    at = 0
    while at < len(bundle):
        length = int.from_bytes(bundle[at : at + 2], "big")
        entry = bundle[at + 2 : at + 2 + length]
        if len(entry) != length:
            raise ValueError("a bundle ends in the middle of an entry")
        yield entry
        at += 2 + length


def tree_of(entries):
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


def judge_roots(entries, size, root):
    """The root of the checkpoint."""
    tree = tree_of(entries)
    require(tree.get_state(size) == root, f"the root at size {size} is another")
    damaged = list(entries)
    at = random.randrange(size)
    damaged[at] = damaged[at][:-1] + bytes([damaged[at][-1] ^ 1])
    require(tree_of(damaged).get_state(size) != root, "a damaged entry goes unnoticed")
    return tree


def judge_older_roots(tree, folder):
    """The checkpoints that were kept while the log grew."""
    notes = [open(file, encoding="utf-8").read() for file in glob.glob(os.path.join(folder, "checkpoint.*"))]
    for size, root in map(parse_checkpoint, notes):
        require(tree.get_state(size) == root, f"the root at size {size} is another")
    require(len(notes) > 3, "too few older checkpoints were kept")
    return len(notes)


def known_keys(first_entry):
    """The keys that policy 1 names, by key id."""
    envelope = json.loads(first_entry)["envelope"]
    policy = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
    texts = policy["registry_keys"] + policy["root"]["keys"]
    texts += [principal["key"] for principal in policy["principals"] if "key" in principal]
    raws = {base64.b64decode(text.removeprefix("ed25519:")) for text in texts}
    return {hashlib.sha256(raw).hexdigest(): raw for raw in raws}


def judge_envelopes(entries):
    keys = known_keys(entries[0])
    judged = [SSlibKey(keyid, "ed25519", "ed25519", {"public": raw.hex()}) for keyid, raw in keys.items()]
    count = 0
    for index, entry in enumerate(entries):
        envelope = json.loads(entry).get("envelope")
        if envelope is None:
            continue  # The payload is an attachment.
        try:
            Envelope.from_dict(json.loads(entry)["envelope"]).verify(judged, 1)
        except VerificationError as error:
            raise SystemExit(f"python: the envelope of entry {index} does not verify: {error}") from error
        count += 1
        if index % 50 == 0:
            require(not verifies(damaged(envelope), judged), f"entry {index} verifies with a flipped bit")
    return count, keys


def damaged(envelope):
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[random.randrange(len(payload))] ^= 1
    return envelope | {"payload": base64.b64encode(bytes(payload)).decode()}


def verifies(envelope, keys):
    try:
        Envelope.from_dict(envelope).verify(keys, 1)
    except VerificationError:
        return False
    return True


def write_for_openssl(entry, keys, folder):
    envelope = json.loads(entry)["envelope"]
    payload, kind = base64.b64decode(envelope["payload"]), envelope["payloadType"].encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signature = envelope["signatures"][0]
    pem = base64.b64encode(SPKI + keys[signature["keyid"]]).decode()
    files = {
        "pae.bin": pae,
        "sig.bin": base64.b64decode(signature["sig"]),
        "key.pem": f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n".encode(),
    }
    for name, content in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def require(holds, otherwise):
    if not holds:
        raise SystemExit("python: " + otherwise)


def main():
    url, folder = sys.argv[1:]
    registry = Registry(url, os.environ["INTEROP_TOKEN"])
    size, root = registry.checkpoint()
    entries = list(registry.entries(size))
    require(len(entries) == size, f"the bundles have {len(entries)} entries, the checkpoint {size}")
    tree = judge_roots(entries, size, root)
    print(f"ok  pymerkle: root of the checkpoint from the entries  size {size}")
    print(f"ok  pymerkle: roots of older checkpoints  {judge_older_roots(tree, folder)}")
    count, keys = judge_envelopes(entries)
    print(f"ok  securesystemslib: DSSE envelopes  {count}")
    write_for_openssl(entries[-1], keys, folder)


if __name__ == "__main__":
    main()
