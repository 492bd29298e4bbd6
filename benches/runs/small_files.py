"""Makes many files of 1 KB, half of it text that compresses. Usage: small_files.py FOLDER COUNT"""

import os
import random
import sys

FILES_A_FOLDER = 1000


def main():
    root, count = sys.argv[1], int(sys.argv[2])
    source = random.Random(count)
    for first in range(0, count, FILES_A_FOLDER):
        folder = os.path.join(root, f"{first // FILES_A_FOLDER:04d}")
        os.makedirs(folder)
        for n in range(first, min(first + FILES_A_FOLDER, count)):
            text = f"file {n} ".encode().ljust(512, b".")
            with open(os.path.join(folder, f"{n:07d}"), "wb", buffering=0) as file:
                file.write(text + source.randbytes(512))


main()
