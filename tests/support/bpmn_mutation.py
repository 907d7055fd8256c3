"""Real BPMN files, broken in the ways files break: bytes flipped, tags dropped, ids swapped, attributes gone, encodings lied about."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_TAG = re.compile(rb"<[^<>]*>")
_ATTRIBUTE = re.compile(rb"""\s[\w:.-]+\s*=\s*("[^"]*"|'[^']*')""")
_ID = re.compile(rb'(\b(?:id|sourceRef|targetRef|attachedToRef|default|bpmnElement|processRef)=")([^"]*)"')
_ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252", "cp037", "utf-8-sig", "shift_jis")
_JUNK = (
    b"<", b">", b"&", b"&x;", b"&#0;", b"&#xFFFFFF;", b"\x00", b"\xff\xfe", b"]]>", b"<![CDATA[", b"<!--", b"-->", b"<?x ?>",
    b"<!DOCTYPE d [<!ENTITY a 'b'>]>", b"</process>", b"<process>", b'"', b"'", b"\xef\xbb\xbf", "é".encode(), b"xmlns=''",
)  # fmt: skip


def mutate(data: bytes, seed: int) -> bytes:
    """Return the file after one to six mutations that the seed alone decides."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 6)):
        data = chance.choice(_MUTATIONS)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 12)):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _insert(data: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(_JUNK) + data[place:]


def _cut(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return data[:start] + data[start + chance.randint(0, chance.choice((20, 400, len(data) + 1))) :]


def _truncate(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randint(0, len(data))]


def _on_match(pattern: re.Pattern[bytes], change: Callable[[bytes, random.Random], bytes]) -> Callable[..., bytes]:
    def mutation(data: bytes, chance: random.Random) -> bytes:
        found = list(pattern.finditer(data))
        if not found:
            return data
        hit = chance.choice(found)
        return data[: hit.start()] + change(hit.group(), chance) + data[hit.end() :]

    return mutation


def _swap_ids(data: bytes, chance: random.Random) -> bytes:
    found = list(_ID.finditer(data))
    if len(found) < 2:
        return data
    hit, other = chance.choice(found), chance.choice(found)
    return data[: hit.start(2)] + other.group(2) + data[hit.end(2) :]


def _move_tag(data: bytes, chance: random.Random) -> bytes:
    found = list(_TAG.finditer(data))
    if not found:
        return data
    hit, place = chance.choice(found), chance.choice(found).end()
    return data[:place] + hit.group() + data[place:]


def _encode(data: bytes, chance: random.Random) -> bytes:
    return data.decode("utf-8", errors="replace").encode(chance.choice(_ENCODINGS), errors="replace")


def _declare(data: bytes, chance: random.Random) -> bytes:
    name = chance.choice((*_ENCODINGS, "klingon", "utf-7", "ebcdic", "")).encode()
    return re.sub(rb'encoding="[^"]*"', b'encoding="' + name + b'"', data, count=1)


def _repeat(data: bytes, chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    piece = data[start : start + chance.randint(1, 300)]
    return data[:start] + piece * chance.randint(2, 40) + data[start:]


def _nest(data: bytes, chance: random.Random) -> bytes:
    depth = chance.choice((3, 40, 300, 3000))
    name = chance.choice((b"subProcess", b"process", b"extensionElements", b"x", b"laneSet", b"childLaneSet"))
    return data.replace(b"</process>", b"<" + name + b">" + (b"<" + name + b">") * depth + b"</process>", 1)


_MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip,
    _insert,
    _cut,
    _truncate,
    _swap_ids,
    _swap_ids,
    _move_tag,
    _encode,
    _declare,
    _repeat,
    _nest,
    _on_match(_TAG, lambda _found, _chance: b""),
    _on_match(_ATTRIBUTE, lambda _found, _chance: b""),
    _on_match(_ATTRIBUTE, lambda found, chance: found * chance.randint(2, 3)),
    _on_match(_ID, lambda found, _chance: found.split(b"=")[0] + b'=""'),
)
