"""Bytes to an ArazzoDocument: whatever makes sense is read, whatever is not as it should be becomes a finding."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestra_kit.design.arazzo.document import ArazzoDocument, Finding, SourceDescription, Workflow, pointer_of
from orchestra_kit.design.arazzo.objects import ObjectReader, next_free
from orchestra_kit.design.arazzo.schemas import resolve_inputs
from orchestra_kit.design.documents import Document, FieldPath
from orchestra_kit.design.yaml_reading import read_yaml
from orchestra_kit.errors import DefinitionError, LimitError, Place, nearest_hint

MAX_BYTES = 10_000_000
MAX_FINDINGS = 300
MAX_WORKFLOWS = 5_000

_ROOT = frozenset({"arazzo", "$self", "info", "sourceDescriptions", "workflows", "components"})
_SOURCE_KINDS = ("openapi", "asyncapi", "arazzo")
_OLD_VERSION = "workflowsSpec"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FORBIDDEN_IN_YAML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_ESCAPED_HALF = re.compile(
    r"(?<!\\)(?P<slashes>(?:\\\\)*)"
    r"(?:\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\u(?:[dD][89a-fA-F][0-9a-fA-F]{2}|0000))"
)


class Findings:
    """Findings in order of discovery, each once, with a closing count when there are too many."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Finding] = {}
        self._left_out = 0
        self.document = Document(source="", data=None)

    def add(self, code: str, path: FieldPath, message: str, *, line: int | None = None) -> None:
        """Note something at a field."""
        where = pointer_of(path)
        if (code, where, message) in self._found:
            return
        if len(self._found) >= MAX_FINDINGS:
            self._left_out += 1
            return
        known = self.document.place(path).line if line is None else line
        self._found[code, where, message] = Finding(code=code, where=where, message=message, line=known)

    def all(self) -> tuple[Finding, ...]:
        """Return them."""
        more = Finding(code="MORE_FINDINGS", where="", message=f"{self._left_out} more findings are not shown.")
        return (*self._found.values(), more) if self._left_out else tuple(self._found.values())


def read_arazzo(data: bytes, *, source: str) -> ArazzoDocument:
    """Return the document; raise DefinitionError for what is no Arazzo document at all, LimitError for one too large."""
    findings = Findings()
    document = load(data, source=source, findings=findings)
    findings.document = document
    if not is_arazzo(document.data):
        raise DefinitionError(_what_else(document.data), place=Place(file=source))
    return build(document, findings)


def load(data: bytes, *, source: str, findings: Findings) -> Document:
    """Return the plain data of a file others wrote, JSON or YAML in UTF-8 or UTF-16."""
    if len(data) > MAX_BYTES:
        raise LimitError(f"the file has {len(data)} bytes; at most {MAX_BYTES} are read.", place=Place(file=source))
    text = _without_odd_signs(_decode(data, findings), findings)

    def tolerate(code: str, path: FieldPath, line: int, message: str) -> None:
        findings.add(code, path, message, line=line)

    content, lines = read_yaml(text, source=source, tolerate=tolerate)
    return Document(source=source, data=content, lines=lines)


def _decode(data: bytes, findings: Findings) -> str:
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"the file is not UTF-8 ({error.reason} at byte {error.start})."
        findings.add("ENCODING", (), message, line=line)
        return data.decode("utf-16" if wide else "cp1252", errors="replace")


def _without_odd_signs(text: str, findings: Findings) -> str:
    """Return a text without signs no YAML may hold, and without halves of characters, which tools that cut texts leave."""

    def mended(match: re.Match[str]) -> str:
        if match["high"] is not None:
            code = 0x10000 + ((int(match["high"], 16) - 0xD800) << 10) + (int(match["low"], 16) - 0xDC00)
            return match["slashes"] + chr(code)
        position = match.start()
        message = "half a character or a NUL stands here; it is read as '\ufffd'."
        findings.add("ENCODING", (), message, line=text.count("\n", 0, position) + 1)
        return (match["slashes"] or "") + "\ufffd"

    forbidden = _FORBIDDEN if text.lstrip()[:1] in ("{", "[") else _FORBIDDEN_IN_YAML
    found = forbidden.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        findings.add("ENCODING", (), "signs that no YAML may hold are left out.", line=line)
        text = forbidden.sub("", text)
    return _ESCAPED_HALF.sub(mended, text) if "\\u" in text else text


def is_arazzo(data: Any) -> bool:
    """Return whether plain data is, or is meant to be, an Arazzo document."""
    if not isinstance(data, Mapping):
        return False
    if "arazzo" in data or _OLD_VERSION in data:
        return True
    flows = data.get("workflows")
    listed = isinstance(flows, list) and any(isinstance(item, Mapping) and "steps" in item for item in flows)
    return listed and "sourceDescriptions" in data


def _what_else(data: Any) -> str:
    if not isinstance(data, Mapping):
        return "not an Arazzo document: it is not an object."
    other = next((name for name in ("openapi", "swagger", "asyncapi") if name in data), None)
    hint = f"it is a document with an '{other}' version." if other else "it has no 'arazzo' version."
    return f"not an Arazzo document: {hint}"


def build(document: Document, findings: Findings) -> ArazzoDocument:
    """Return the document of plain data that `is_arazzo`."""
    raw: Mapping[str, Any] = document.data
    findings.document = document
    _check_fields(raw, findings)
    components = raw.get("components")
    if components is not None and not isinstance(components, Mapping):
        findings.add("WRONG_TYPE", ("components",), "'components' must be an object.")
        components = {}
    reader = ObjectReader(components or {}, findings.add)
    return ArazzoDocument(
        source=document.source,
        version=_version(raw, findings),
        sources=_sources(raw.get("sourceDescriptions"), findings),
        workflows=_workflows(raw.get("workflows"), reader, findings),
        raw=raw,
        document=document,
        findings=findings.all(),
    )


def _check_fields(raw: Mapping[str, Any], findings: Findings) -> None:
    for name in raw:
        if name not in _ROOT and not name.startswith("x-") and name != _OLD_VERSION:
            hint = nearest_hint(name, _ROOT)
            findings.add("UNKNOWN_FIELD", (name,), f"unknown field '{name}'.{' ' + hint if hint else ''}")
    for name in ("info", "sourceDescriptions", "workflows"):
        if name not in raw:
            findings.add("FIELD_MISSING", (), f"the field '{name}' is missing.")
    info = raw.get("info")
    if not isinstance(info, Mapping):
        if info is not None:
            findings.add("WRONG_TYPE", ("info",), "'info' must be an object.")
        return
    for name in ("title", "version"):
        if name not in info:
            findings.add("FIELD_MISSING", ("info",), f"the field '{name}' is missing.")


def _version(raw: Mapping[str, Any], findings: Findings) -> str:
    written = raw.get("arazzo", raw.get(_OLD_VERSION))
    version = str(written) if written is not None else ""
    if "arazzo" not in raw:
        findings.add("VERSION_MISSING", (), "the field 'arazzo' is missing; the document is read as Arazzo 1.0.")
    elif not isinstance(written, str):
        findings.add("WRONG_TYPE", ("arazzo",), f"the version must be a text, such as '1.0.1'; found {version}.")
    elif not version.startswith(("1.0.", "1.1.")):
        findings.add("VERSION_UNKNOWN", ("arazzo",), f"Arazzo {version[:40]} is read as 1.1.")
    return version


def _sources(node: Any, findings: Findings) -> tuple[SourceDescription, ...]:
    path: FieldPath = ("sourceDescriptions",)
    if node is None:
        return ()
    if isinstance(node, Mapping):
        findings.add("WRONG_TYPE", path, "'sourceDescriptions' must be a list.")
        named = [{"name": name, **item} for name, item in node.items() if isinstance(item, Mapping)]
        node = [node] if "url" in node else named
    if not isinstance(node, list) or not node:
        findings.add("WRONG_TYPE", path, "'sourceDescriptions' must be a list with at least one entry.")
        return ()
    found: dict[str, SourceDescription] = {}
    for number, item in enumerate(node):
        source = _source(item, (*path, number), findings)
        if source is None:
            continue
        if source.name in found:
            findings.add("NAME_DOUBLED", (*path, number), f"the source description '{source.name}' stands here twice.")
            continue
        found[source.name] = source
    return tuple(found.values())


def _source(item: Any, path: FieldPath, findings: Findings) -> SourceDescription | None:
    if not isinstance(item, Mapping):
        findings.add("WRONG_TYPE", path, "a source description must be an object.")
        return None
    for name in ("name", "url"):
        if not isinstance(item.get(name), str):
            findings.add("FIELD_MISSING", path, f"the field '{name}' is missing.")
    name = str(item.get("name") or f"source{path[-1]}")
    kind = item.get("type")
    if kind is None:
        kind = "arazzo" if ".arazzo." in str(item.get("url")) else "openapi"
    elif kind not in _SOURCE_KINDS:
        hint = nearest_hint(str(kind), _SOURCE_KINDS)
        findings.add("UNKNOWN_VALUE", (*path, "type"), f"unknown source type '{kind}'. {hint or ''}".strip())
        kind = str(kind).lower() if str(kind).lower() in _SOURCE_KINDS else "openapi"
    return SourceDescription(name=name, url=str(item.get("url") or ""), kind=str(kind), path=path)


def _workflows(node: Any, reader: ObjectReader, findings: Findings) -> tuple[Workflow, ...]:
    path: FieldPath = ("workflows",)
    if node is None:
        return ()
    if isinstance(node, Mapping):
        findings.add("WRONG_TYPE", path, "'workflows' must be a list.")
        named = [{"workflowId": name, **item} for name, item in node.items() if isinstance(item, Mapping)]
        node = [node] if "steps" in node else named
    if not isinstance(node, list) or not node:
        findings.add("WRONG_TYPE", path, "'workflows' must be a list with at least one entry.")
        return ()
    if len(node) > MAX_WORKFLOWS:
        raise LimitError(f"the document has {len(node)} workflows; at most {MAX_WORKFLOWS} are read.")
    found: dict[str, Workflow] = {}
    for number, item in enumerate(node):
        workflow = reader.workflow(item, (*path, number))
        if workflow is None:
            continue
        if workflow.workflow_id in found:
            message = f"the workflowId '{workflow.workflow_id}' stands here twice."
            findings.add("WORKFLOW_DOUBLED", (*path, number, "workflowId"), message)
            workflow = replace(workflow, workflow_id=next_free(workflow.workflow_id, found))
        found[workflow.workflow_id] = resolve_inputs(workflow, reader.components, findings.add)
    return tuple(found.values())
