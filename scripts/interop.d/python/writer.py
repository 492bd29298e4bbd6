"""Writes to a SQLite database as fast as it may, or checks a copy of one.

Usage: writer.py FILE wal|delete|check. What is written moves amounts between rows and counts how often, so a copy that
holds half of a transaction has another sum.
"""

import sqlite3
import sys
import time

ROWS, AMOUNT = 20000, 1000


def make(file, mode):
    db = sqlite3.connect(file, timeout=60, isolation_level=None)
    db.execute(f"PRAGMA journal_mode={mode}")
    db.execute("CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, note TEXT NOT NULL)")
    db.execute("CREATE TABLE moves(n INTEGER NOT NULL)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO account VALUES(?, ?, ?)", ((n, AMOUNT, f"{n:0300d}") for n in range(ROWS)))
    db.execute("INSERT INTO moves VALUES(0)")
    db.execute("COMMIT")
    return db


def write(db):
    print("writing", flush=True)
    n = 0
    while True:
        n += 1
        db.execute("BEGIN IMMEDIATE")
        for step in range(10):
            db.execute("UPDATE account SET amount = amount - 1 WHERE id = ?", ((n * 7919 + step) % ROWS,))
            db.execute("UPDATE account SET amount = amount + 1 WHERE id = ?", ((n * 104729 + step * 31) % ROWS,))
        db.execute("UPDATE moves SET n = n + 1")
        db.execute("COMMIT")
        # Without a pause, nobody else would ever get the lock of a database that is not in WAL mode.
        time.sleep(0.001)


def check(file):
    db = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    if db.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        sys.exit("the copy is damaged")
    if db.execute("SELECT sum(amount), count(*) FROM account").fetchone() != (ROWS * AMOUNT, ROWS):
        sys.exit("the copy holds a part of a transaction")
    print(db.execute("SELECT n FROM moves").fetchone()[0], "moves")


file, mode = sys.argv[1:]
if mode == "check":
    check(file)
else:
    write(make(file, mode))
