"""Prints the size of the published checkpoint, 0 before there is one. Usage: INTEROP_TOKEN=... python published.py URL"""

import os
import sys
import urllib.error

from judge import Registry

try:
    print(Registry(sys.argv[1], os.environ["INTEROP_TOKEN"]).checkpoint()[0])
except urllib.error.HTTPError as error:
    if error.code != 404:
        raise
    print(0)
