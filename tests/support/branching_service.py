"""A small HTTP service that really branches: it runs a process by the Python rules and answers with the flows it took.

It shares nothing with the package: the model is read with xml.etree, conditions are those of branching_rules.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from branching_rules import COMPUTES, DOMAINS, RULES, WRITES, Variables

PROCESSES = Path(__file__).parents[1] / "design" / "conditions" / "processes"
KEYS = sorted(path.stem for path in PROCESSES.glob("*.bpmn"))
MAX_FIRINGS = 60


class Stuck(Exception):
    """A run that does not end."""


class Machine:
    """One process, ready to be run; branches of a split run one wholly after the other."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.nodes: dict[str, str] = {}
        self.home: dict[str, str] = {}
        self.flows: list[tuple[str, str, str]] = []
        self.defaults: set[str] = set()
        root = ElementTree.parse(PROCESSES / f"{key}.bpmn").getroot()
        for process in root:
            if process.tag.endswith("}process"):
                self._read(process, "")

    def _read(self, element: ElementTree.Element, home: str) -> None:
        for child in element:
            tag = child.tag.rpartition("}")[2]
            if tag == "sequenceFlow":
                self.flows.append((child.attrib["id"], child.attrib["sourceRef"], child.attrib["targetRef"]))
            elif "id" in child.attrib:
                self.nodes[child.attrib["id"]] = tag
                self.home[child.attrib["id"]] = home
                if "default" in child.attrib:
                    self.defaults.add(child.attrib["default"])
                if tag == "subProcess":
                    self._read(child, child.attrib["id"])

    def run(self, start: dict[str, Any], writes: dict[str, list[dict[str, Any]]]) -> list[str]:
        """Return the flows taken; `writes` are what each element gets to write, visit by visit."""
        variables = dict(start)
        queues = {node: list(values) for node, values in writes.items()}
        path: list[str] = []
        waiting: list[str] = []
        self._container("", variables, queues, path, waiting)
        if waiting:
            raise Stuck(f"tokens wait on {waiting}")
        return path

    def _container(
        self, home: str, variables: dict[str, Any], queues: Any, path: list[str], waiting: list[str]
    ) -> None:
        entered = {target for _, _, target in self.flows}
        todo = [("node", node) for node, own in self.home.items() if own == home and node not in entered]
        while todo or waiting:
            if not todo:
                joins = [
                    target
                    for flow, _, target in self.flows
                    if flow in waiting and self.nodes[target] == "inclusiveGateway"
                ]
                mine = [join for join in joins if self.home[join] == home]
                if not mine:
                    return
                for flow, _, target in self.flows:
                    if target == mine[0] and flow in waiting:
                        waiting.remove(flow)
                todo.append(("fire", mine[0]))
            kind, name = todo.pop()
            if kind == "flow":
                target = next(target for flow, _, target in self.flows if flow == name)
                incoming = [flow for flow, _, goal in self.flows if goal == target]
                if len(incoming) > 1 and self.nodes[target] in ("parallelGateway", "inclusiveGateway"):
                    waiting.append(name)
                    if self.nodes[target] != "parallelGateway" or not set(incoming) <= set(waiting):
                        continue
                    for flow in incoming:
                        waiting.remove(flow)
                kind, name = "node", target
            if kind == "node":
                self._perform(name, variables, queues, path, waiting)
            taken = self._choose(name, variables)
            path += taken
            if len(path) > MAX_FIRINGS:
                raise Stuck(f"{self.key} does not end")
            todo += [("flow", flow) for flow in reversed(taken)]

    def _perform(self, node: str, variables: dict[str, Any], queues: Any, path: list[str], waiting: list[str]) -> None:
        if self.nodes[node] == "subProcess":
            self._container(node, variables, queues, path, waiting)
        if node in COMPUTES.get(self.key, {}):
            variables.update(COMPUTES[self.key][node](Variables(variables)))
        if node in WRITES.get(self.key, {}):
            if not queues.get(node):
                raise Stuck(f"{node} was given too few answers")
            variables.update(queues[node].pop(0))

    def _choose(self, node: str, variables: dict[str, Any]) -> list[str]:
        leaving = [flow for flow, source, _ in self.flows if source == node]
        rules = RULES[self.key]
        guarded = [flow for flow in leaving if flow in rules]
        kind = self.nodes[node]
        if not guarded and kind != "exclusiveGateway":
            return leaving
        seen = Variables(variables)
        if kind == "exclusiveGateway":
            first = next((flow for flow in leaving if flow in rules and rules[flow](seen)), None)
            rest = [flow for flow in leaving if flow not in rules]
            if first is None and not rest:
                raise Stuck(f"no way out of {node}")
            return [first or rest[0]]
        true = [flow for flow in leaving if flow in rules and rules[flow](seen)]
        always = [flow for flow in leaving if flow not in rules and flow not in self.defaults]
        default = [flow for flow in leaving if flow in self.defaults]
        return [flow for flow in leaving if flow in true or flow in always] or default


def every_run(key: str, *, rounds: int = 3) -> dict[tuple[str, ...], dict[str, Any]]:
    """Return every path that any values of the domain lead along, with one such choice of values."""
    machine, domain = Machine(key), DOMAINS[key]
    names = [name for name in domain if "." not in name]
    written = [name for name in domain if "." in name]
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for values in product(*(domain[name] for name in names)):
        for answers in product(*(product(domain[name], repeat=rounds) for name in written)):
            start = dict(zip(names, values, strict=True))
            writes: dict[str, list[dict[str, Any]]] = {}
            for name, series in zip(written, answers, strict=True):
                node, _, variable = name.partition(".")
                writes[node] = [{variable: value} for value in series]
            try:
                path = machine.run(start, writes)
            except (Stuck, ValueError):
                continue  # such values make the engine stop with an error
            found.setdefault(tuple(path), {"start": start, "writes": writes})
    return found


class _Answers(BaseHTTPRequestHandler):
    """POST /runs/<key> with {"start", "writes"}; 200 {"path"}, or 500 when the process stops with an error."""

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, answer = 200, {"path": Machine(self.path.rpartition("/")[2]).run(order["start"], order["writes"])}
        except Exception as error:
            status, answer = 500, {"error": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Keep quiet."""


class BranchingService:
    """A client of the running service."""

    def __init__(self, url: str) -> None:
        self._url = url

    def path_of(self, key: str, start: dict[str, Any], writes: dict[str, list[dict[str, Any]]]) -> list[str]:
        """Return the flows the service took; raise HTTPError when it stopped."""
        body = json.dumps({"start": start, "writes": writes}).encode()
        request = urllib.request.Request(
            f"{self._url}/runs/{key}", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            path: list[str] = json.loads(answer.read())["path"]
            return path


@contextmanager
def branching_service() -> Iterator[BranchingService]:
    """Run the service on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield BranchingService(f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
