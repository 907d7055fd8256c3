"""Run one service as a process on a free loopback port."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from orchestra_kit.demo.services.lifeline import command_line, end_with_parent, report_ready
from orchestra_kit.demo.services.web import Operation, build_application


def serve(service: str, operations: Sequence[Operation]) -> None:
    """Serve on a free loopback port until told to stop."""
    options = command_line(f"The {service} service of the demonstration shop.").parse_args()
    end_with_parent()
    application = build_application(service, options.database, operations)
    # The protocol is named because asyncio switches Nagle's delay (40 ms an answer) off only where it is.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        _Server(application, options.ready_file).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A uvicorn server that reports once it accepts requests."""

    def __init__(self, application: ASGIApp, ready_file: Path) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_level="warning",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        [listener] = sockets or []
        host, port = listener.getsockname()
        report_ready(self._ready_file, f"http://{host}:{port}")
