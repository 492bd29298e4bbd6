"""What a power cut leaves: power.py ROOT TIME SEED OUT TRACE…

Replays what strace recorded of a program that wrote below ROOT, up to TIME (seconds since the epoch), onto a model of a file
system, drops what was not made durable by then, and writes what is left to the new folder OUT. With SEED 0 all of that is
dropped; with another, each name and each content that was not made durable is there or not by chance, or is torn.

The model is stricter than any real file system: fsync of a file makes its content durable and not its name, fsync of a folder
its names and not their content, syncfs everything; nothing else makes anything durable.
"""

import os
import random
import re
import sys


class File:
    def __init__(self):
        self.now, self.durable = bytearray(), b""


class Folder:
    def __init__(self):
        self.now, self.durable = {}, {}


class Store:
    """All that is below the root."""

    def __init__(self, root):
        self.root, self.top, self.fds, self.at = root.rstrip("/"), Folder(), {}, {}

    def parts(self, path):
        if path != self.root and not path.startswith(self.root + "/"):
            return None
        return [part for part in path[len(self.root):].split("/") if part]

    def find(self, path):
        parts = self.parts(path)
        node = self.top if parts is not None else None
        for part in parts or []:
            node = node.now.get(part) if isinstance(node, Folder) else None
        return node

    def folder_of(self, path):
        parts = self.parts(path)
        if not parts:
            return None, None
        return self.find(self.root + "/" + "/".join(parts[:-1])), parts[-1]

    def open(self, path, flags, fd):
        self.fds.pop(fd, None)
        folder, name = self.folder_of(path)
        node = self.find(path)
        if node is None and folder is not None and "O_CREAT" in flags:
            node = folder.now[name] = File()
        if node is not None:
            if isinstance(node, File) and "O_TRUNC" in flags:
                node.now = bytearray()
            self.fds[fd], self.at[fd] = node, len(node.now) if "O_APPEND" in flags else 0

    def write(self, fd, data, at=None):
        node = self.fds.get(fd)
        if not isinstance(node, File):
            return
        place = self.at[fd] if at is None else at
        if len(node.now) < place:
            node.now.extend(bytes(place - len(node.now)))
        node.now[place:place + len(data)] = data
        if at is None:
            self.at[fd] = place + len(data)

    def resize(self, fd, size, only_grow):
        node = self.fds.get(fd)
        if isinstance(node, File):
            if len(node.now) < size:
                node.now.extend(bytes(size - len(node.now)))
            elif not only_grow:
                del node.now[size:]

    def move(self, old, new, keeps_old):
        node, (folder, name) = self.find(old), self.folder_of(new)
        if node is None or folder is None:
            return
        folder.now[name] = node
        if not keeps_old:
            self.remove(old)

    def remove(self, path):
        folder, name = self.folder_of(path)
        if folder is not None:
            folder.now.pop(name, None)

    def make_folder(self, path):
        folder, name = self.folder_of(path)
        if folder is not None:
            folder.now.setdefault(name, Folder())

    def flush(self, node):
        if isinstance(node, File):
            node.durable = bytes(node.now)
        elif node is not None:
            node.durable = dict(node.now)

    def flush_all(self, node=None):
        node = node or self.top
        self.flush(node)
        if isinstance(node, Folder):
            for inner in node.now.values():
                self.flush_all(inner)


def text(quoted):
    return bytes.fromhex(quoted.replace("\\x", ""))


def calls(trace):
    """Every call that was made, in the order in which they ended."""
    begun = {}
    with open(trace) as lines:
        for line in lines:
            head = re.match(r"(\d+) +([\d.]+) ", line)
            thread, time, rest = head.group(1), float(head.group(2)), line[head.end():].rstrip("\n")
            if rest.endswith("<unfinished ...>"):
                begun[thread] = rest[:-len("<unfinished ...>")]
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>", rest)
            if resumed:
                rest = begun.pop(thread) + rest[resumed.end():]
            end = rest.rfind(") = ")
            if end > 0 and "(" in rest:
                name, arguments = rest[:end].split("(", 1)
                yield time, name, arguments, rest[end + 4:]


def fd_of(store, arguments):
    """The number of the file that a call is about; none when it is a socket, or lies elsewhere."""
    number, path = re.match(r"(\d+)(?:<([^>]*)>)?", arguments).groups()
    is_ours = path is not None and path.startswith("\\x") and store.parts(text(path).decode(errors="surrogateescape")) is not None
    return int(number) if is_ours else None


def paths(arguments):
    """The paths that a call names; each is absolute, or below the folder before it."""
    found = []
    for folder, path in re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"', arguments):
        path = text(path).decode(errors="surrogateescape")
        found.append(path if path.startswith("/") else os.path.join(text(folder).decode(errors="surrogateescape"), path))
    return found


def apply(store, name, arguments, result):
    done = int(re.match(r"-?\d+", result).group())
    if done < 0:
        return
    if name == "openat":
        store.open(paths(arguments)[0], arguments.rsplit('"', 1)[1], done)
    elif name in ("write", "pwrite64"):
        fd, data = fd_of(store, arguments), text(re.search(r'"([^"]*)"', arguments).group(1))[:done]
        store.write(fd, data, int(arguments.rsplit(", ", 1)[1]) if name == "pwrite64" else None)
    elif name == "writev":
        store.write(fd_of(store, arguments), b"".join(text(part) for part in re.findall(r'iov_base="([^"]*)"', arguments))[:done])
    elif name == "ftruncate":
        store.resize(fd_of(store, arguments), int(arguments.rsplit(", ", 1)[1]), False)
    elif name == "fallocate":
        mode, start, length = arguments.split(", ")[1:4]
        if mode == "0":
            store.resize(fd_of(store, arguments), int(start) + int(length), True)
    elif name.startswith(("rename", "link")):
        store.move(*paths(arguments)[:2], name.startswith("link"))
    elif name in ("unlink", "unlinkat"):
        store.remove(paths(arguments)[0])
    elif name in ("mkdir", "mkdirat"):
        store.make_folder(paths(arguments)[0])
    elif name in ("fsync", "fdatasync"):
        store.flush(store.fds.get(fd_of(store, arguments)))
    elif name == "syncfs":
        store.flush_all()


def write_left(node, place, chance):
    os.mkdir(place)
    names = dict(node.durable)
    if chance:
        for name in node.durable.keys() | node.now.keys():
            if node.durable.get(name) is not node.now.get(name) and chance.random() < 0.5:
                names.pop(name, None)
                if name in node.now:
                    names[name] = node.now[name]
    for name, inner in names.items():
        if isinstance(inner, Folder):
            write_left(inner, os.path.join(place, name), chance)
            continue
        content = inner.durable
        if chance and inner.durable != inner.now:
            cut = chance.randrange(len(inner.now) + 1)
            content = chance.choice([content, inner.now, inner.now[:cut], inner.now[:cut] + bytes(len(inner.now) - cut)])
        with open(os.path.join(place, name), "wb") as file:
            file.write(content)


def main():
    root, until, seed, out, traces = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:]
    store = Store(root)
    for trace in traces:
        store.fds.clear()
        for time, name, arguments, result in calls(trace):
            if time <= until:
                apply(store, name, arguments, result)
    write_left(store.top, out, random.Random(seed) if seed else None)


main()
