"""PostgreSQL from a wheel: started on demand in the project's folder, shared by all its processes.

The server listens on a unix socket in a folder only its user may enter, and nowhere else. Any process may call
`ensure_server`; a file lock lets one of them make or start the server while the others wait. Nobody counts users: the
server is left running when a process ends, because a short command must not stop it under a worker's feet, and an idle
server costs no processor time. `stop_server` stops it; it also stops by itself within a minute when its folder is removed.
Durability settings keep their safe defaults (fsync and synchronous_commit on).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.store.server_files import (
    ServerFiles,
    kept_pid,
    make_socket_directory,
    place_data,
    programs,
)

ADMIN = "postgres"

_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '"{sockets}"'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
wal_compression = on
max_wal_senders = 0
wal_level = minimal
jit = off
autovacuum_naptime = '15s'
log_min_messages = warning
log_timezone = 'UTC'
timezone = 'UTC'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A running server and the folder of its socket."""

    directory: Path
    socket_directory: Path
    pid: int

    def url(self, user: str, database: str) -> str:
        """Return the URL to log in as `user`."""
        return f"postgresql://{user}@/{database}?host={quote(str(self.socket_directory), safe='')}&port=5432"


def ensure_server(directory: Path, *, timeout_seconds: float = 60.0) -> EmbeddedServer:
    """Return the server of `directory` (data in its `pg` folder), made and started when it is not running."""
    directory = Path(directory).absolute()
    running = find_server(directory)
    if running is not None:
        return running
    directory.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + timeout_seconds
    with _locked(directory / "pg.lock", deadline):
        running = find_server(directory)
        if running is not None:
            return running
        files = place_data(directory)
        _initialise(files)
        _start(files, deadline)
    running = find_server(directory)
    if running is None:
        raise StoreUnavailableError(f"the embedded PostgreSQL in {directory} stopped at once.", hint=_tail(files))
    return running


def find_server(directory: Path) -> EmbeddedServer | None:
    """Return the running server of `directory`, or None."""
    found = _running(Path(directory).absolute() / "pg")
    if found is None:
        return None
    return EmbeddedServer(directory=Path(directory).absolute(), socket_directory=found[0], pid=found[1])


def _running(data: Path) -> tuple[Path, int] | None:
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready" or not _answers(Path(lines[4]) / ".s.PGSQL.5432"):
        return None
    return Path(lines[4]), int(lines[0])


def stop_server(directory: Path) -> bool:
    """Stop the server of `directory` and end its connections; False when none was running."""
    directory = Path(directory).absolute()
    if find_server(directory) is None:
        return False
    with _locked(directory / "pg.lock", time.monotonic() + 60):
        if find_server(directory) is None:
            return False
        files = place_data(directory)
        _run(files, "pg_ctl", "-w", "-t", "60", "-m", "fast", "-D", str(files.data), "stop")
    return True


def _answers(path: Path) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def server_lock(directory: Path, *, timeout_seconds: float = 60.0) -> Iterator[None]:
    """Keep every other process from preparing the server of `directory` meanwhile."""
    with _locked(Path(directory).absolute() / "pg-setup.lock", time.monotonic() + timeout_seconds):
        yield


@contextlib.contextmanager
def _locked(path: Path, deadline: float) -> Iterator[None]:
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreUnavailableError(
                        f"another process has been starting the embedded PostgreSQL for too long (lock {path})."
                    ) from None
                time.sleep(0.05)
        yield


def _initialise(files: ServerFiles) -> None:
    if (files.data / "PG_VERSION").exists():
        return
    fresh = files.data.with_name(files.data.name + ".new")  # a half-made folder is never taken for a whole one
    if fresh.exists():
        import shutil

        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    if files.account is not None:
        os.chown(fresh, files.account.uid, files.account.gid)
    locale = ("--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8", "--lc-messages=C")
    _run(files, "initdb", "--auth=trust", "--no-instructions", "-U", ADMIN, *locale, "-D", str(fresh))
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as settings:
        settings.write("\ninclude_if_exists = 'orchestra.conf'\n")
    if files.data.exists():
        files.data.rmdir()  # only ever an empty one: PG_VERSION was not there
    fresh.rename(files.data)


def _start(files: ServerFiles, deadline: float) -> None:
    sockets = make_socket_directory(files)
    written = files.data / "orchestra.conf"
    written.write_text(_SETTINGS.format(sockets=str(sockets).replace("'", "''")), encoding="utf-8")
    written.chmod(0o644)
    while kept_pid(files.data, sockets) is not None:  # it recovers from a crash, or is on its way down
        if _running(files.data) is not None:
            return
        if time.monotonic() > deadline:
            raise StoreUnavailableError(
                f"the embedded PostgreSQL in {files.data} does not get ready.", hint=_tail(files)
            )
        time.sleep(0.1)
    while True:
        try:
            _run(
                files, "pg_ctl", "-w", "-t", "60", "-l", str(files.data / "server.log"), "-D", str(files.data), "start"
            )
            return
        except StoreUnavailableError:
            # processes of a killed server may hold its memory for a moment
            if time.monotonic() > deadline or "pre-existing shared memory" not in _tail(files):
                raise
            time.sleep(0.5)


def _run(files: ServerFiles, program: str, *arguments: str) -> None:
    import tempfile

    account = files.account
    command = [str(programs(account) / program), *arguments]
    identity = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "LC_", "LANG"))}
    with tempfile.TemporaryFile() as output:  # a pipe would stay open in the server
        done = subprocess.run(  # noqa: S603  # programs of our own wheel
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            check=False,
            **identity,  # type: ignore[call-overload]
        )
        output.seek(0)
        said = output.read().decode(errors="replace").strip()
    if done.returncode != 0:
        last = said.splitlines()[-1] if said else ""
        raise StoreUnavailableError(
            f"the embedded PostgreSQL could not be prepared: {program} ended with {done.returncode} {last}",
            hint=_tail(files) or None,
        )


def _tail(files: ServerFiles) -> str:
    try:
        lines = (files.data / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "Server log: " + " | ".join(lines[-4:]) if lines else ""
