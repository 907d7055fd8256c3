"""Cold kernels: a new ipykernel process for each run, with a clean environment and its own folder."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from orchestra_kit.errors import CannotJudgeError
from orchestra_kit.notebook.wire import GRANT_NAME
from orchestra_kit.spi.kernel import Kernel, KernelRequest

HANDED_ON = ("PATH", "LANG", "TZ")
"""The only variables of the worker a kernel sees."""
CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
KILL_SECONDS = 5.0


class ColdLauncher:
    """Starts an ipykernel from nothing: about a quarter of a second until it answers.

    Where the system can, the kernel is confined to its own folder, the installed software and `readable`;
    `confined=False` leaves it all the files its user has.
    """

    def __init__(self, *, confined: bool = True, readable: tuple[Path, ...] = ()) -> None:
        self._confined = confined
        self._readable = readable

    def launch(self, request: KernelRequest) -> Kernel:
        """Start a kernel and return without waiting until it is ready."""
        home = request.folder / "home"
        home.mkdir(mode=0o700)
        _write_private(home / GRANT_NAME, request.grant)
        connection = connection_info(request.folder)
        connection_file = request.folder / "connection.json"
        _write_private(connection_file, connection)
        log_path = request.folder / "kernel.log"
        search_path = _needed_search_path()
        readable = [str(path) for path in self._readable]
        readable += [root for package, root in search_path.items() if package == "ipykernel"]
        command = [sys.executable, "-m", "orchestra_kit.notebook.kernel_main", str(connection_file)]
        command += readable if self._confined else ["--open"]
        try:
            with log_path.open("wb") as log:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    command,
                    cwd=home,
                    env=clean_environment(home, search_path=tuple(search_path.values())),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as problem:
            raise CannotJudgeError(f"no kernel could be started: {problem.strerror}.") from problem
        return ColdKernel(process, connection, log_path)


class ColdKernel:
    """A kernel process of our own. It ends by itself within a second when its worker dies."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Mapping[str, Any], log_path: Path) -> None:
        self._process = process
        self._log_path = log_path
        self.connection = connection

    @property
    def process_id(self) -> int:
        """The id of the process, which also leads its session."""
        return self._process.pid

    def alive(self) -> bool:
        """True while the process runs."""
        return self._process.poll() is None

    def owns(self, process_id: int) -> bool:
        """True for the kernel and what it started; a process can leave a session but never join another one."""
        try:
            return os.getsid(process_id) == self._process.pid
        except OSError:
            return False

    def failure_text(self) -> str:
        """Return the last line the process wrote to its standard error."""
        with contextlib.suppress(OSError):
            lines = self._log_path.read_text(encoding="utf-8", errors="replace")[-4000:].strip().splitlines()
            return lines[-1] if lines else ""
        return ""

    def kill(self) -> None:
        """End the process and its process group at once."""
        if self._process.returncode is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=KILL_SECONDS)


def clean_environment(home: Path, *, search_path: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the environment of a kernel: an allow list, never the worker's own with names taken out."""
    environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    environment.setdefault("LANG", "C.UTF-8")
    environment["HOME"] = str(home)
    # ipykernel watches this process and ends with it.
    environment["JPY_PARENT_PID"] = str(os.getpid())
    if search_path:
        environment["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(search_path))
    return environment


def connection_info(folder: Path) -> dict[str, Any]:
    """Return Jupyter connection info over sockets in `folder`: nothing listens on the network."""
    info: dict[str, Any] = {"transport": "ipc", "ip": str(folder / "k"), "signature_scheme": "hmac-sha256"}
    info["key"] = secrets.token_hex(16)
    return info | {channel: number for number, channel in enumerate(CHANNELS, start=1)}


def _needed_search_path() -> dict[str, str]:
    """Return, by package, the folders a fresh interpreter would not look into (a checkout, a user site)."""
    known = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    needed = {}
    for package in ("orchestra_kit", "ipykernel"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise CannotJudgeError(f"the package '{package}' is not installed, so no notebook can run.")
        root = Path(spec.origin).resolve().parent.parent
        if root not in known:
            needed[package] = str(root)
    return needed


def _write_private(path: Path, value: Mapping[str, Any]) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(value, file)
