"""SLSA provenance (v1) of our own build, of what was really run. Usage: python provenance.py ROOT BEGAN ENDED COMMAND...

What cargo found built already from the same sources counts as built by this command: cargo decides that by itself.
"""

import json
import pathlib
import platform
import subprocess
import sys
import tomllib
import uuid
from datetime import UTC, datetime


def said(root, *command):
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()


def crates(lock):
    """Every crate from outside, by the digest that cargo checked."""
    for package in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]:
        if "checksum" in package:
            uri = f"pkg:cargo/{package['name']}@{package['version']}"
            yield {"uri": uri, "digest": {"sha256": package["checksum"]}}


def time(seconds):
    return datetime.fromtimestamp(float(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main():
    root, began, ended, *command = sys.argv[1:]
    source = {
        "uri": pathlib.Path(root).as_uri().replace("file:", "git+file:"),
        "digest": {"gitCommit": said(root, "git", "rev-parse", "HEAD")},
        "annotations": {"changed_since": bool(said(root, "git", "status", "--porcelain"))},
    }
    predicate = {
        "buildDefinition": {
            "buildType": "https://holdfast.example/build/cargo/v1",
            "externalParameters": {"command": command},
            "internalParameters": {"host": platform.platform()},
            "resolvedDependencies": [source, *crates(pathlib.Path(root) / "Cargo.lock")],
        },
        "runDetails": {
            "builder": {
                "id": "https://holdfast.example/scripts/interop",
                "version": {"rustc": said(root, "rustc", "--version"), "cargo": said(root, "cargo", "--version")},
            },
            "metadata": {"invocationId": str(uuid.uuid4()), "startedOn": time(began), "finishedOn": time(ended)},
        },
    }
    json.dump(predicate, sys.stdout)


if __name__ == "__main__":
    main()
