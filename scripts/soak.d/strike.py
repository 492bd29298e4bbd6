"""Runs a program and kills it at one system call: strike.py COUNTS CALLS PLACE enter|leave -- COMMAND…

Of CALLS, separated by commas, those are counted that any thread makes after the first SIGUSR1; how many is kept in the file
COUNTS. At the one numbered PLACE (0: none) the program gets SIGKILL, before the call takes effect or after it did. SIGTERM goes
on to the program. Linux on x86-64 and arm64.
"""

import ctypes
import os
import platform
import signal
import sys

NUMBERS = {
    "x86_64": dict(openat=257, write=1, pwrite64=18, rename=82, renameat2=316, linkat=265, unlink=87, unlinkat=263, mkdir=83,
                   mkdirat=258, ftruncate=77, fallocate=285, fsync=74, fdatasync=75, syncfs=306, writev=20, sendto=44),
    "aarch64": dict(openat=56, write=64, pwrite64=68, renameat2=276, linkat=37, unlinkat=35, mkdirat=34, ftruncate=46,
                    fallocate=47, fsync=82, fdatasync=83, syncfs=267, writev=66, sendto=206),
}[platform.machine()]
SYSCALL, SEIZE, GET_SYSCALL_INFO = 24, 0x4206, 0x420E
TRACE_SYSGOOD, TRACE_CLONE = 1, 8
WAIT_ALL = 0x40000000
ENTERS, LEAVES = 1, 2

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


def start(command):
    """Starts the command, traced from its first instruction on."""
    ready, go = os.pipe()
    program = os.fork()
    if program == 0:
        os.close(go)
        os.read(ready, 1)
        os.execvp(command[0], command)
    if libc.ptrace(SEIZE, program, None, TRACE_SYSGOOD | TRACE_CLONE) != 0:
        sys.exit("strike: " + os.strerror(ctypes.get_errno()))
    os.write(go, b"x")
    return program


def call_of(thread):
    """Where a thread stopped: entering or leaving a call, and on entering which."""
    info = (ctypes.c_uint64 * 11)()
    libc.ptrace(GET_SYSCALL_INFO, thread, ctypes.c_void_p(ctypes.sizeof(info)), ctypes.addressof(info))
    return info[0] & 0xFF, info[3]


def main():
    counts, calls, place, moment = sys.argv[1:5]
    wanted = {NUMBERS[call] for call in calls.split(",") if call in NUMBERS}
    place, counting, count = int(place), False, 0
    marked = set()
    file = os.open(counts, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.pwrite(file, b"0\n", 0)
    program = start(sys.argv[6:])

    def begin(*_):
        nonlocal counting
        counting = True

    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(program, signal.SIGTERM))
    while True:
        thread, status = os.waitpid(-1, WAIT_ALL)
        if not os.WIFSTOPPED(status):
            if thread == program:
                sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
            continue
        deliver = 0
        if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80:
            at, number = call_of(thread)
            if at == ENTERS and counting and number in wanted:
                count += 1
                os.pwrite(file, b"%d\n" % count, 0)
                if count == place and moment == "enter":
                    os.kill(program, signal.SIGKILL)
                elif count == place:
                    marked.add(thread)
            elif at == LEAVES and thread in marked:
                os.kill(program, signal.SIGKILL)
        elif status >> 16 == 0:
            deliver = os.WSTOPSIG(status)
        libc.ptrace(SYSCALL, thread, None, deliver)


main()
