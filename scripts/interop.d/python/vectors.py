"""Published Ed25519 vectors against our strict verification. Usage: python vectors.py WYCHEPROOF CCTV COMMAND...

The command reads `key,message,signature` lines in hexadecimal and answers each with its number and `accept` or `reject`.
Each vector that is taken is asked for three times more, with a bit flipped in key, message and signature.
"""

import json
import subprocess
import sys
from collections import Counter

# A strict verifier takes none of these. What has a component of low order beside a full one obeys the equation that RFC 8032
# names first, so it is taken when nothing else is wrong.
STRICTLY_REFUSED = {"LowOrderA", "LowOrderR", "NonCanonicalA", "NonCanonicalR", "LowOrderResidue"}


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def wycheproof(path):
    """Key, message, signature, whether it must be taken, and what it is about."""
    for group in load(path)["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            require(test["result"] in ("valid", "invalid"), f"test {test['tcId']} is neither valid nor invalid")
            flags = ",".join(test["flags"])
            yield key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]), test["result"] == "valid", flags


def cctv(path):
    for vector in load(path):
        flags = set(vector["Flags"] or [])
        signature = bytes.fromhex(vector["R"] + vector["S"])
        wanted = not flags & STRICTLY_REFUSED
        yield bytes.fromhex(vector["A"]), vector["M"].encode(), signature, wanted, ",".join(sorted(flags))


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1]) if content else b"x"


def with_damage(cases):
    for key, message, signature, wanted, flags in cases:
        yield key, message, signature, wanted, flags
        if wanted:
            yield flipped(key), message, signature, False, "a flipped key"
            yield key, flipped(message), signature, False, "a flipped message"
            yield key, message, flipped(signature), False, "a flipped signature"


def judge(name, vectors, command):
    vectors = list(vectors)
    cases = list(with_damage(vectors))
    lines = "".join(f"{key.hex()},{message.hex()},{signature.hex()}\n" for key, message, signature, _, _ in cases)
    answers = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    require(len(answers) == len(cases), f"{len(cases)} cases got {len(answers)} answers")
    for n, (answer, case) in enumerate(zip(answers, cases)):
        wanted = "accept" if case[3] else "reject"
        require(answer == f"{n} {wanted}", f"{name}: {answer}, wanted {wanted}: {case[4]}: {case[0].hex()}")
    count = Counter(wanted for _, _, _, wanted, _ in vectors)
    require(count[True] > 10 and count[False] > 10, f"{name} has too few vectors: {count}")
    print(f"ok  {name}: Ed25519 vectors  {count[True]} taken, {count[False]} refused, {len(cases) - len(vectors)} damaged refused")


def require(holds, otherwise):
    if not holds:
        raise SystemExit("python: " + otherwise)


def main():
    wycheproof_file, cctv_file, *command = sys.argv[1:]
    judge("Wycheproof", wycheproof(wycheproof_file), command)
    judge("CCTV", cctv(cctv_file), command)


if __name__ == "__main__":
    main()
