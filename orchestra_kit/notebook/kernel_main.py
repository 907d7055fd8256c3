"""The process of a run's kernel: an ipykernel without what only a person at a prompt needs.

No history database, no completion engine and no debugger: they cost a third of the start. Started by
`kernel_launcher`; `python -m orchestra_kit.notebook.kernel_main -f CONNECTION_FILE`.
"""

from __future__ import annotations

import sys
from typing import Any

PROMPT_ONLY = ("jedi", "debugpy")
"""Modules ipykernel takes when they are there. They are hidden while it starts; a cell may still import them."""


def main() -> None:
    """Serve cells until the connection's owner ends it."""
    hidden = [name for name in PROMPT_ONLY if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize([*sys.argv[1:], "--HistoryManager.enabled=False", "--log-level=ERROR"])
    for name in hidden:
        sys.modules.pop(name, None)
    from orchestra_kit.notebook import kernel_client, kernel_display  # noqa: F401 - loaded while the worker prepares

    app.start()


if __name__ == "__main__":
    main()
