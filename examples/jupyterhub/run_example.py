"""Start a JupyterHub on loopback, run the onboarding suite against it, write the report, stop it.

pip install jupyterhub jupyterlab && npm install -g configurable-http-proxy
python examples/jupyterhub/run_example.py --out jupyterhub-report
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS = 60


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on just now."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@contextmanager
def running_hub(folder: Path, token: str) -> Iterator[str]:
    """Run a Hub with its state in `folder` and yield the URL of its API; it is stopped with its servers."""
    port, internal, proxy = free_ports(3)
    environment = {
        **os.environ,
        "HUB_PORT": str(port),
        "HUB_INTERNAL_PORT": str(internal),
        "HUB_PROXY_PORT": str(proxy),
        "HUB_TOKEN": token,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_RUNTIME_DIR": str(folder),
    }
    with (folder / "hub.log").open("w") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(HERE / "jupyterhub_config.py")],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}/hub/api"
    try:
        wait_until_up(url, hub, folder / "hub.log")
        yield url
    finally:
        hub.terminate()
        with suppress(subprocess.TimeoutExpired):
            hub.wait(15)
        with suppress(ProcessLookupError):
            os.killpg(hub.pid, signal.SIGKILL)
        hub.wait()


def wait_until_up(url: str, hub: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the Hub's API; raise RuntimeError with the end of its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and hub.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError(f"JupyterHub did not start:\n{log.read_text(errors='replace')[-2000:]}")


def environment_file(folder: Path, url: str) -> Path:
    """Write the environment the suite runs in."""
    written = {
        "name": "jupyterhub",
        "httpServices": {
            "hub": {
                "baseUrl": url,
                "authRef": {"type": "bearer", "scheme": "token", "secret": "secret:hub-token"},
                "timeoutMs": 60000,
            }
        },
        "dbProfiles": {"hub": {"jdbcUrl": f"jdbc:sqlite:{folder / 'hub.sqlite'}"}},
        "egress": {"allow": ["127.0.0.1"], "allowPublic": False},
    }
    path = folder / "environment.json"
    path.write_text(json.dumps(written))
    return path


def orchestra(*arguments: str, token: str) -> int:
    """Run an orchestra command; the Hub's token reaches it as a declared process variable only."""
    environment = {**os.environ, "ORCHESTRA_SECRET_ENV": "hub-token=HUB_TOKEN", "HUB_TOKEN": token}
    return subprocess.run(
        [sys.executable, "-m", "orchestra_kit.cli", *arguments], env=environment, check=False
    ).returncode


def main() -> int:
    """Run the example; the exit code is that of the suite."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("jupyterhub-report"))
    parser.add_argument("--executor", choices=["notebook", "inline"], default="notebook")
    options = parser.parse_args()
    if shutil.which("configurable-http-proxy") is None:
        print("configurable-http-proxy is missing: npm install -g configurable-http-proxy", file=sys.stderr)
        return 3
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="orchestra-hub-") as name, running_hub(Path(name), token) as url:
        environment = environment_file(Path(name), url)
        for arguments in (
            ("env", "import", str(environment)),
            ("suite", "generate", str(HERE / "orchestra.yaml"), "--publish"),
        ):
            code = orchestra(*arguments, token=token)
            if code:
                return code
        return orchestra(
            "suite", "run", "jupyterhub-onboarding", "--env", "jupyterhub", "--executor", options.executor,
            "--html", str(options.out / "report.html"), "--junit", str(options.out / "junit.xml"), token=token,
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
