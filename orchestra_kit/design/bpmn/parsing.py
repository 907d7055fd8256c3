"""Bytes to an XML tree: no entities, no document type, no network, with limits, mending what can be mended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from orchestra_kit.design.bpmn.entities import refused_entities, resolve_entities
from orchestra_kit.design.bpmn.findings import Findings
from orchestra_kit.design.bpmn.limits import Refused, check_parser_limit, check_size
from orchestra_kit.design.bpmn.repair import repair
from orchestra_kit.design.bpmn.sniffing import SourceKind, sniff

MAX_BYTES = 50_000_000

Element = Any
"""An lxml element; lxml is imported only when a file is read."""

_NOT_XML = {
    SourceKind.EMPTY: ("EMPTY_FILE", "the file is empty."),
    SourceKind.BINARY: ("NOT_XML", "the file is not text; BPMN is XML."),
    SourceKind.TEXT: ("NOT_XML", "the file is not XML; BPMN files begin with '<'."),
    SourceKind.MERMAID: ("SEQUENCE_DIAGRAM", "this is a Mermaid diagram, not BPMN; it cannot be read yet."),
    SourceKind.PLANTUML: ("SEQUENCE_DIAGRAM", "this is a PlantUML diagram, not BPMN; it cannot be read yet."),
}


@dataclass(frozen=True, slots=True)
class _Failure:
    message: str
    line: int | None


def parse_tree(data: bytes, findings: Findings) -> Element | None:
    """Return the root element; None with a diagnostic where nothing can or may be read."""
    if len(data) > MAX_BYTES:
        findings.add("TOO_LARGE", f"the file has {len(data)} bytes; at most {MAX_BYTES} are read.")
        return None
    kind = sniff(data)
    if kind is not SourceKind.XML:
        findings.add(*_NOT_XML[kind])
        return None
    try:
        root = _parse(data, findings)
        if root is not None:
            _check_doctype(root, findings)
            check_size(root)
        return root
    except Refused as refused:
        findings.add(refused.code, refused.message, line=refused.line)
        return None


def _parse(data: bytes, findings: Findings) -> Element | None:
    data, replaced = resolve_entities(data)
    for item in replaced:
        findings.add(item.code, item.message, line=item.line)
    root, failure = _try(data, recover=False)
    if failure is None:
        return root
    mended, repairs = repair(data)
    if resolve_entities(mended)[1]:
        raise refused_entities()  # seen only once the encoding was mended
    for item in repairs:
        findings.add(item.code, item.message, line=item.line)
    root, second = _try(mended, recover=False)
    if second is None:
        if not repairs:
            findings.add("NOT_WELL_FORMED", failure.message, line=failure.line)
        return root
    findings.add("NOT_WELL_FORMED", second.message, line=second.line)
    root, _ = _try(mended, recover=True)
    return root


def _try(data: bytes, *, recover: bool) -> tuple[Element | None, _Failure | None]:
    from lxml import etree

    parser = _parser(recover)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        check_parser_limit(int(getattr(error, "code", 0)), str(error), error.lineno, data)
        message = re.sub(r",? line \d+, column \d+.*$", "", error.msg or "not well-formed XML", flags=re.DOTALL)
        return None, _Failure(f"{' '.join(message.split()).rstrip('.')}.", error.lineno)
    except ValueError as error:
        return None, _Failure(f"{error}.", None)
    return root, None


@cache
def _parser(recover: bool) -> Any:
    from lxml import etree

    # Not collect_ids=False: it makes libxml2 follow an external document type, whatever load_dtd says.
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=recover,
    )


def _check_doctype(root: Element, findings: Findings) -> None:
    """Refuse entities that the first look missed (odd encodings), and name a document type that was not followed."""
    info = root.getroottree().docinfo
    if info.internalDTD is not None and any(True for _ in info.internalDTD.iterentities()):
        raise refused_entities()
    if info.doctype:
        findings.add("DTD_IGNORED", "the document names a document type; it was not loaded.", line=1)
