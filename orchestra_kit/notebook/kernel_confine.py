"""Confines a kernel process to its own folder and the installed software, by Linux's Landlock (no privilege needed).

A kernel runs as its worker's user: without this a cell could read the worker's key files, the environment of the worker's
process and other runs' folders, or signal the worker. Connecting to sockets is not restricted. Standard library only.
Numbers are those of linux/landlock.h; see https://docs.kernel.org/userspace-api/landlock.html.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System call numbers, the same on every architecture."""
ABI_VERSION_FLAG = 1
RULE_PATH_BENEATH = 1
NO_NEW_PRIVILEGES = 38
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEVICE = 1 << 14, 1 << 15
RIGHTS_BY_VERSION = ((5, 16), (3, 15), (2, 14), (1, 13))
"""From which version on how many of the file rights exist."""
SCOPES_SINCE = 6
ALL_SCOPES = 0b11
"""Abstract sockets and signals stay within the kernel's own processes."""

SOFTWARE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store")
SYSTEM_FILES = (
    *(
        f"/etc/{name}"
        for name in ("ssl", "pki", "ca-certificates", "resolv.conf", "hosts", "host.conf", "nsswitch.conf")
    ),
    *(f"/etc/{name}" for name in ("passwd", "group", "localtime", "timezone", "ld.so.cache", "mime.types", "services")),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def landlock_version() -> int:
    """Return the version of Landlock this system offers, 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_system().syscall(CREATE_RULESET, None, 0, ABI_VERSION_FLAG)))


def confine(own: Path, *, readable: Iterable[str] = ()) -> bool:
    """Confine this thread and all it starts to come; True when it is so. To be called before any other thread starts.

    `own` may be written; software and `readable` may be read and executed; nothing else can be opened.
    """
    version = landlock_version()
    if not version:
        return False
    rights = (1 << next(count for since, count in RIGHTS_BY_VERSION if version >= since)) - 1
    ruleset = _Ruleset(files=rights, scoped=ALL_SCOPES if version >= SCOPES_SINCE else 0)
    size = 24 if version >= SCOPES_SINCE else 16 if version >= 4 else 8
    system = _system()
    handle = system.syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), 0)
    if handle < 0:
        return False
    try:
        software = (*SOFTWARE, sys.prefix, sys.base_prefix, *readable)
        for path in {*software, *SYSTEM_FILES}:
            _allow(handle, path, rights & (EXECUTE | READ_FILE | READ_DIR))
        for path in DEVICES:
            _allow(handle, path, rights & (READ_FILE | WRITE_FILE | IOCTL_DEVICE))
        _allow(handle, str(own), rights)
        refused = system.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) or system.syscall(RESTRICT_SELF, handle, 0)
        return not refused
    finally:
        os.close(handle)


def _allow(ruleset: int, path: str, rights: int) -> None:
    with contextlib.suppress(OSError):  # what is not there needs no right
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(parent).st_mode):
                rights &= EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICE
            rule = _PathBeneath(allowed=rights, parent=parent)
            _system().syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(parent)


def _system() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
