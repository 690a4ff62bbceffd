#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Is what a program was promised there after a power cut?

    power_cut.py write [--no-sync] DIR LEDGER ROUNDS DEVICE
    power_cut.py check LOG SIZE LEDGER MOUNTPOINT

"write" changes files in DIR and has each change made permanent, each in one of
the ways that there are (fsync(2) and its like). Then it marks that moment in the
log of DEVICE, the device mapper's "log-writes" target below DIR, and writes to
LEDGER what has been promised by then. With --no-sync it makes nothing permanent.

"check" has a disk of SIZE bytes go through what the log says, as though the power
was cut at each of the marks: what a disk may keep in a cache and was not told to
write is lost. It mounts each such disk at MOUNTPOINT and compares. It prints a
line for each mark at which something is missing; exit status 1 if there is one.

A log is a superblock and entries, a sector each, followed by what was written; see
Documentation/admin-guide/device-mapper/log-writes.rst of Linux.
"""
import hashlib
import json
import mmap
import os
import random
import struct
import subprocess
import sys

MAGIC = 0x6A736677736872
DISCARD, MARK = 4, 8
NAMES = [f"file{i}" for i in range(12)]


class Writer:
    """Changes files of a directory, and knows what they should contain."""

    def __init__(self, top, sync):
        self.top = top
        self.sync = sync
        self.files = {}
        self.random = random.Random(1)

    def path(self, name):
        return os.path.join(self.top, name)

    def data(self):
        return self.random.randbytes(self.random.choice([1, 100, 4096, 5000, 20000]))

    def open(self, name, flags):
        return os.open(self.path(name), flags, 0o644)

    def finish(self, fd, how=os.fsync):
        if self.sync:
            how(fd)
        os.close(fd)

    def sync_names(self):
        self.finish(os.open(self.top, os.O_RDONLY | os.O_DIRECTORY))

    def create(self, name):
        self.files[name] = self.data()
        fd = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, self.files[name])
        self.finish(fd)
        self.sync_names()

    def append(self, name):
        data = self.data()
        self.files[name] = self.files.get(name, b"") + data
        fd = self.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, data)
        self.finish(fd, os.fdatasync)
        self.sync_names()

    def overwrite(self, name):
        old, data = self.files.get(name, b""), self.data()
        at = self.random.randint(0, len(old))
        self.files[name] = old[:at] + data + old[at + len(data):]
        fd = self.open(name, os.O_WRONLY | os.O_CREAT | (os.O_SYNC if self.sync else 0))
        os.pwrite(fd, data, at)
        os.close(fd)
        self.sync_names()

    def replace(self, name):
        self.files[name] = self.data()
        fd = self.open("new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(fd, self.files[name])
        self.finish(fd)
        os.rename(self.path("new"), self.path(name))
        self.sync_names()

    def remove(self, name):
        if self.files.pop(name, None) is not None:
            os.unlink(self.path(name))
            self.sync_names()

    def truncate(self, name):
        if name in self.files:
            size = self.random.randint(0, 10000)
            self.files[name] = self.files[name][:size].ljust(size, b"\0")
            fd = self.open(name, os.O_WRONLY)
            os.ftruncate(fd, size)
            self.finish(fd)

    def mapped(self, name):
        old = self.files.get(name)
        if old:
            data = self.data()[:len(old)]
            self.files[name] = data + old[len(data):]
            fd = self.open(name, os.O_RDWR)
            with mmap.mmap(fd, len(old)) as area:
                area[:len(data)] = data
                if self.sync:
                    area.flush()
            os.close(fd)

    def whole(self, name):
        """As create, but made permanent with all else."""
        self.files[name] = self.data()
        with open(self.path(name), "wb") as file:
            file.write(self.files[name])
        if self.sync:
            subprocess.run(["sync", "-f", self.top], check=True)

    def round(self):
        with open(self.path("unpromised"), "ab") as file:
            file.write(self.data())
        how = self.random.choice([self.create, self.append, self.overwrite, self.replace,
                                  self.remove, self.truncate, self.mapped, self.whole])
        how(self.random.choice(NAMES))


def digest(data):
    return hashlib.sha256(data).hexdigest()


def write(top, ledger, rounds, device, sync):
    writer = Writer(top, sync)
    with open(ledger, "w", encoding="ascii") as file:
        for i in range(rounds):
            writer.round()
            subprocess.run(["dmsetup", "message", device, "0", "mark", f"round{i}"], check=True)
            promised = {name: digest(data) for name, data in writer.files.items()}
            file.write(json.dumps({"mark": f"round{i}", "files": promised}) + "\n")


def log_entries(log):
    """Yields (mark or None, sector, what was written there) for each entry of a log."""
    magic, version, count, size = struct.unpack("<QQQI", os.pread(log, 28, 0))
    if (magic, version) != (MAGIC, 1):
        sys.exit("power_cut.py: this is no log of log-writes, version 1")
    at = size
    for _ in range(count):
        sector, length, flags, more = struct.unpack("<QQQQ", os.pread(log, 32, at))
        if flags & MARK:
            yield os.pread(log, more, at + 32).rstrip(b"\0").decode(), 0, b""
        at += size
        if not flags & (DISCARD | MARK):
            yield None, sector * size, os.pread(log, length * size, at)
            at += length * size


def missing(top, promised):
    """What isn't in a directory as promised."""
    wrong = []
    for name in NAMES:
        try:
            with open(os.path.join(top, name), "rb") as file:
                have = digest(file.read())
        except FileNotFoundError:
            have = None
        if have != promised.get(name):
            wrong.append(name)
    return wrong


def check_disk(image, mountpoint, promised):
    """Mounts a copy, so that the disk stays as it is, and looks at it."""
    copy = image + ".copy"
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    subprocess.run(["mount", "-o", "loop", copy, mountpoint], check=True)
    try:
        return missing(mountpoint, promised)
    finally:
        subprocess.run(["umount", mountpoint], check=True)
        os.unlink(copy)


def check(log, size, ledger, mountpoint):
    with open(ledger, encoding="ascii") as file:
        promises = {p["mark"]: p["files"] for p in map(json.loads, file)}
    image = ledger + ".disk"
    disk = os.open(image, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.ftruncate(disk, size)
    bad = 0
    for mark, at, data in log_entries(os.open(log, os.O_RDONLY)):
        if mark is None:
            os.pwrite(disk, data, at)
        elif mark in promises:
            wrong = check_disk(image, mountpoint, promises.pop(mark))
            bad += bool(wrong)
            if wrong:
                print(f"{mark}: not as promised: {' '.join(wrong)}")
    os.unlink(image)
    if promises:
        sys.exit(f"power_cut.py: the log ends before {len(promises)} of the marks")
    sys.exit(1 if bad else 0)


def main(args):
    sync = "--no-sync" not in args
    args = [arg for arg in args if arg != "--no-sync"]
    if len(args) == 5 and args[0] == "write":
        write(args[1], args[2], int(args[3]), args[4], sync)
    elif len(args) == 5 and args[0] == "check":
        check(args[1], int(args[2]), args[3], args[4])
    else:
        print(__doc__, file=sys.stderr)
        sys.exit(2)


main(sys.argv[1:])
