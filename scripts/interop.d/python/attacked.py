"""Sums up a run of schemathesis: every operation must have been tried. Usage: python attacked.py REPORT"""

import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    report = json.load(file)
operations, cases = report["operations"], report["test_cases"]["generated"]
if operations["tested"] != operations["total"] or cases < 20 * operations["total"]:
    raise SystemExit(f"python: schemathesis tried {operations} with {cases} requests")
print(f"{operations['tested']} routes, {cases} requests")
