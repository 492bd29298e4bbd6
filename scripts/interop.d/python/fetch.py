"""Prints what a registry answers. Usage: INTEROP_TOKEN=... python fetch.py URL PATH"""

import os
import sys

from judge import Registry

url, path = sys.argv[1:]
sys.stdout.buffer.write(Registry(url, os.environ["INTEROP_TOKEN"]).get(path))
