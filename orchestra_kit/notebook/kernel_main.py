"""The process of a run's kernel: an ipykernel confined to its folder, without what only a person at a prompt needs.

No history database, no completion engine and no debugger: they cost a third of the start. Started by `kernel_launcher`:
`python -m orchestra_kit.notebook.kernel_main CONNECTION_FILE [--open] [READABLE ...]`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from orchestra_kit.notebook import kernel_client, kernel_confine, kernel_display  # noqa: F401 - before the path is closed

PROMPT_ONLY = ("jedi", "debugpy")
"""Modules ipykernel takes when they are there. They are hidden while it starts; a cell may still import them."""
OPEN_FLAG = "--open"


def main() -> None:
    """Serve cells until the connection's owner ends it."""
    connection_file, *rest = sys.argv[1:]
    if OPEN_FLAG not in rest:
        # Before ipykernel starts its threads: confinement holds for threads that come after it.
        packages = str(Path(kernel_client.__file__).parents[1])
        kernel_confine.confine(Path(connection_file).parent, readable=[packages, *rest])
    hidden = [name for name in PROMPT_ONLY if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    from ipykernel.kernelapp import IPKernelApp

    app: Any = IPKernelApp.instance()
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False", "--log-level=ERROR"])
    for name in hidden:
        sys.modules.pop(name, None)
    app.start()


if __name__ == "__main__":
    main()
