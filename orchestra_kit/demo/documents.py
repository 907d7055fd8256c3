"""Where the demo keeps the documents a tester starts from: the process model and the interface descriptions."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent

ORDER_PROCESS = _HERE / "order.bpmn"
OPENAPI_DOCUMENTS = {
    "inventory": _HERE / "openapi" / "inventory.yaml",
    "payments": _HERE / "openapi" / "payments.yaml",
    "fulfilment": _HERE / "openapi" / "fulfilment.yaml",
}

PROJECT = _HERE / "orchestra.yaml"
"""The binding of the order process: what `orchestra suite generate` reads."""
