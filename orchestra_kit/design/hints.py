"""What a model says of the endpoint behind a task or event in the words of its vendor: requests, names, topics, forms.

Read from what the reader keeps: Camunda 7 and Operaton, Zeebe and its connectors, Activiti and Flowable, jBPM, the
services of BPMN itself, and sequence diagrams.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestra_kit.model.process import FlowNode

_VENDORS = ("camunda", "zeebe", "activiti", "flowable", "operaton", "drools")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_URL_NAMES = frozenset({"url", "requesturl", "uri", "endpoint", "endpointurl"})
_METHOD_NAMES = frozenset({"method", "requestmethod", "httpmethod", "verb"})
_NAMED = ("topic", "delegateExpression", "class", "expression", "formKey", "decisionRef", "type")
_EMPTY_NAMES = frozenset(
    {"external", "mail", "true", "false", "shell", "java-class", "http", "dmn", "camel", "mule", "unspecified"}
)
_ADDRESS = re.compile(r"https?://[^/\s\"'{$]+(?::\d+)?", re.IGNORECASE)
_EXPRESSION = re.compile(r"[$#]\{[^{}]*\}")
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_REQUEST = re.compile(r"\s*(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+(\S+)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHints:
    """What a model says: `request` has verb and path (and service), `names` come from the most telling to the least.

    `channels` are names of topics, queues, job types and messages by kind: endpoints of other protocols may answer to them.
    """

    request: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    channels: Mapping[str, str] = field(default_factory=dict)
    about: str = ""


def hints_of_node(node: FlowNode) -> ModelHints:
    """Return what the model says of one task or event."""
    sources = [
        node.extensions,
        *(item for item in node.extensions.get("eventDefinitions", ()) if isinstance(item, dict)),
    ]
    request: dict[str, str] = {}
    names: list[str] = []
    channels: dict[str, str] = {}
    for source in sources:
        request = request or _request(source)
        names += _names(source)
        for kind, name in _channels(source):
            channels.setdefault(kind, name)
    drawn = node.extensions.get("hints")
    if isinstance(drawn, dict):
        channels |= {kind: str(drawn[kind]) for kind in ("topic", "queue") if drawn.get(kind)}
        if "verb" in drawn and "path" in drawn:
            request = {key: str(drawn[key]) for key in ("verb", "path", "service") if drawn.get(key)}
    about = " ".join(str(node.extensions[key]) for key in ("documentation",) if node.extensions.get(key))
    kept = [name for name in dict.fromkeys(names) if name and name.lower() not in _EMPTY_NAMES]
    return ModelHints(request=request, names=tuple(kept), channels=channels, about=about)


def _request(source: Mapping[str, Any]) -> dict[str, str]:
    """Return method and path where a connector, a REST task or a service's implementation states them."""
    values = {name.lower(): text for name, text in _parameters(source)}
    url = next((values[name] for name in _URL_NAMES if values.get(name)), "")
    method = next((values[name] for name in _METHOD_NAMES if values.get(name)), "")
    method = method.strip("=\"' ").upper()
    interface = source.get("interface")
    stated = interface.get("operationImplementation", "") if isinstance(interface, dict) else ""
    written = _REQUEST.fullmatch(stated)
    if written:
        method, url = written.group(1).upper(), written.group(2)
    path = path_of(url) if url else ""
    if not path:
        return {}
    host = re.match(r"https?://([^/:\s\"'{$]+)", url.lstrip("=\"' "), re.IGNORECASE)
    result = {"verb": method if method in _METHODS else "GET", "path": path}
    return result | ({"service": host.group(1)} if host else {})


def path_of(url: str) -> str:
    """Return the path of a URL in which expressions stand for parameters, '' where it has none.

    FEEL that joins texts (`="http://shop/orders/" + id`) counts as a URL with a parameter where the variable stands.
    """
    text = url.strip()
    if text.startswith("="):
        parts = [found.group(1) for found in _LITERAL.finditer(text)]
        text = "{x}".join(parts) + ("{x}" if parts and not text.rstrip().endswith('"') else "")
    text = _EXPRESSION.sub("{x}", text)
    text = _ADDRESS.sub("", text, count=1)
    if text.startswith("{x}"):
        text = text[3:]  # the address itself is a variable
    path = text.partition("?")[0].partition("#")[0]
    return path if path.startswith("/") and len(path) > 1 else ""


def _parameters(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return every named input that a connector, a field list or a data input gives."""
    for vendor in _VENDORS:
        connector = source.get(f"{vendor}:connector")
        for holder in (connector if isinstance(connector, dict) else {}, source):
            mapping = holder.get("inputOutput") or holder.get(f"{vendor}:inputOutput")
            yield from _named_texts(
                mapping.get("inputParameter") if isinstance(mapping, dict) else None, "name", "text"
            )
        mapping = source.get(f"{vendor}:ioMapping")
        yield from _named_texts(mapping.get("input") if isinstance(mapping, dict) else None, "target", "source")
        yield from _fields(source.get(f"{vendor}:field"))
    data = source.get("data")
    if isinstance(data, dict):
        yield from ((str(name), str(value)) for name, value in (data.get("inputs") or {}).items() if value)


def _named_texts(items: Any, name: str, value: str) -> Iterator[tuple[str, str]]:
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict) and item.get(name) and isinstance(item.get(value), str):
            yield str(item[name]), item[value]


def _fields(items: Any) -> Iterator[tuple[str, str]]:
    """Return Activiti's and Flowable's fields: the value is an attribute or an element."""
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict) and item.get("name"):
            value = next((item[key] for key in ("stringValue", "string", "expression") if item.get(key)), None)
            if isinstance(value, str):
                yield str(item["name"]), value


def _names(source: Mapping[str, Any]) -> Iterator[str]:
    """Return names that may be those of an operation."""
    interface = source.get("interface")
    if isinstance(interface, dict) and interface.get("operation"):
        yield str(interface["operation"])
    for key in ("messageName", "name" if source.get("type") in ("message", "signal") else ""):
        if key and isinstance(source.get(key), str):
            yield source[key]
    for vendor in _VENDORS:
        definition = source.get(f"{vendor}:taskDefinition")
        if isinstance(definition, dict) and isinstance(definition.get("type"), str):
            yield _bare(definition["type"])
        for name in _NAMED:
            value = source.get(f"{vendor}:{name}")
            if isinstance(value, str):
                yield _bare(value)
        form = source.get(f"{vendor}:formDefinition")
        if isinstance(form, dict):
            yield from (_bare(str(form[key])) for key in ("formKey", "formId", "externalReference") if form.get(key))


def _bare(text: str) -> str:
    """Return the name in an expression, a class or a form key: `${payService.charge(x)}` says `pay Service charge`."""
    inner = _EXPRESSION.sub(lambda found: found.group()[2:-1], text.strip().lstrip("="))
    inner = re.sub(r"\([^()]*\)", " ", inner)
    if re.fullmatch(r"[\w$]+(?:\.[\w$]+){2,}", inner):
        inner = inner.rpartition(".")[2]  # a class: its package says nothing
    inner = re.sub(
        r"^(?:embedded:)?(?:camunda-forms|app|deployment|forms?):(?:[\w-]+:)?|^(?:bpmn:)?userTask|\.(?:html?|jsf|form)$",
        "",
        inner,
    )
    inner = re.sub(r"(?i)\b(\w+?)(?:Java)?(?:Delegate|Adapter|Handler|Worker|Impl)\b", r"\1", inner)
    return " ".join(re.findall(r"[^\W_]+", inner))


def _channels(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for vendor in _VENDORS:
        if isinstance(source.get(f"{vendor}:topic"), str):
            yield "topic", source[f"{vendor}:topic"]
        definition = source.get(f"{vendor}:taskDefinition")
        if isinstance(definition, dict) and isinstance(definition.get("type"), str):
            yield "jobType", definition["type"]
    name = source.get("messageName") or (source.get("name") if source.get("type") == "message" else None)
    if isinstance(name, str):
        yield "message", name
    if source.get("type") in ("signal", "error", "escalation") and isinstance(source.get("name"), str):
        yield str(source["type"]), str(source["name"])
