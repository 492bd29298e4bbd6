"""Runs a command and prints what it took: seconds, processor seconds, its peak memory and that of a server in MB.

Usage: watched.py SYNC_FOLDER SERVER_PID|- COMMAND…
The seconds end when the file system of the folder is synced. The processor seconds are those of the command and of the
server meanwhile. What fails has no speed: this fails with it.
"""

import os
import subprocess
import sys
import time


def server_cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def server_peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmHWM"].split()[0]) / 1024


def main():
    folder, server, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    server = None if server == "-" else server
    if server:
        with open(f"/proc/{server}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    before = server_cpu(server) if server else 0.0
    began = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, usage = os.wait4(pid, 0)
    subprocess.run(["sync", "-f", folder], check=True)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"watched: {command[0]} failed ({os.waitstatus_to_exitcode(status)})")
    cpu = usage.ru_utime + usage.ru_stime + (server_cpu(server) - before if server else 0.0)
    peak = server_peak_mb(server) if server else 0.0
    print(f"{wall:.3f} {cpu:.2f} {usage.ru_maxrss / 1024:.0f} {peak:.0f}")


main()
