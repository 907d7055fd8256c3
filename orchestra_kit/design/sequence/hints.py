"""What the text of a message gives away about its endpoint: verb, path, status, topic, the name of an operation."""

from __future__ import annotations

import re

from orchestra_kit.design.sequence.labels import plain
from orchestra_kit.design.sequence.syntax_tree import OUTSIDE, Actor, Message, MessageKind

_REQUEST = re.compile(
    r"\b(?P<verb>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b[\s:\-–\"'`]{0,6}"
    r"(?:https?://[^\s/\"']{1,200})?(?P<path>/(?:<[\w.-]{1,40}>|[^\s\"'`<>,;)]){0,300})?(?P<behind>\s*(?:FROM|INTO)\b)?",
)
_PHRASE = (
    r"OK|Created|Accepted|No Content|Bad Request|Unauthori[sz]ed|Forbidden|Not Found|Conflict|Gone|Unprocessable|"
    r"Too Many|Internal|Bad Gateway|Service Unavailable|Gateway Timeout|Moved|Found|Not Modified"
)
_STATUS = re.compile(
    rf"(?:^|\b(?:HTTP(?:/[\d.]+)?|status(?: code)?|code|returns?|responds?(?: with)?|response)\b[\s:\-–=(]{{0,5}}|[(\[→])\s?"
    rf"(?P<code>[1-5]\d\d)(?!\d)(?![.,]\d)|\b(?P<phrased>[1-5]\d\d)\s?[-:(]?\s?(?:{_PHRASE})\b|/\S*\s+(?P<behind>[1-5]\d\d)$",
    re.IGNORECASE,
)
_TOPIC = re.compile(
    r"\b(?:publish(?:es|ed)?|produces?|emits?|send(?:s)?|consumes?|subscribes?|enqueues?)\b\s+"
    r"(?:(?:an?|the|event|events|message|messages|to|from|topic|queue)\s+){0,4}[\"'`(]?(?P<name>[A-Za-z][\w.\-/]{1,100})(?P<word>\s+(?:topic|queue))?",
    re.IGNORECASE,
)
_ASYNCHRONOUS = re.compile(
    r"\b(?:publish|produc|emit|consum|subscrib|enqueu)|\bsends?\b.{0,60}\b(?:topic|queue|event)\b", re.IGNORECASE
)
_CALL = re.compile(r"(?<![\w@.])(?P<name>[A-Za-z_][\w.]{0,100}+)\(")
_TOPIC_NAME = re.compile(r"\b(?:topic|queue)s?\b|^(?:topic|queue)[-_]", re.IGNORECASE)
_BROKER_NAME = re.compile(r"\b(?:kafka|rabbit\w*|event bus|message bus|broker|exchange|stream)\b", re.IGNORECASE)
_WORKER_NAME = re.compile(
    r"\b(?:listener|consumer|producer|handler|streams|client|service|proxy|publisher|retry)\b", re.IGNORECASE
)
_STATUSES = frozenset(
    {*range(100, 104), *range(200, 209), 226, *range(300, 309), *range(400, 419), *range(421, 427), 428, 429, 431, 451}
    | {*range(500, 509), 510, 511}
)
_NO_NAMES = frozenset(
    {"event", "message", "events", "messages", "and", "to", "from", "the", "a", "an", "topic", "queue"}
)


def hints_of(message: Message, sender: Actor, receiver: Actor) -> dict[str, str | int]:
    """Return what a message tells about its endpoint; keys: verb, path, status, topic, name, service."""
    text = plain(message.text)[:600]
    found: dict[str, str | int] = {}
    request = _REQUEST.search(text)
    called = message.kind is not MessageKind.RETURN
    if request and called and (request["path"] or (text.startswith(request["verb"]) and not request["behind"])):
        found["verb"] = request["verb"]
        if request["path"]:
            path = re.sub(r"<([\w.-]+)>", r"{\1}", request["path"]).partition("?")[0]
            found["path"] = path.rstrip(".:") or "/"
    status = _status(text)
    if status is not None:
        found["status"] = status
    topic = _topic(text, sender, receiver) if called and not message.to_self else None
    if topic:
        found["topic"] = topic
    call = _CALL.search(text)
    if call and called and "verb" not in found:
        found["name"] = call["name"]
    if called and receiver.id != OUTSIDE:
        found["service"] = receiver.name
    return found


def _status(text: str) -> int | None:
    for found in _STATUS.finditer(text):
        code = int(found["code"] or found["phrased"] or found["behind"])
        if code in _STATUSES:
            return code
    return None


def _topic(text: str, sender: Actor, receiver: Actor) -> str | None:
    """Return the topic or queue: who is one, else the name that is published to, else the broker it goes through."""
    ends = [actor for actor in (receiver, sender) if not _WORKER_NAME.search(actor.name)]
    for actor in ends:
        if actor.kind == "queue" or _TOPIC_NAME.search(actor.name):
            return actor.name
    broker = next((actor.name for actor in ends if _BROKER_NAME.search(actor.name)), None)
    if broker is None and not _ASYNCHRONOUS.search(text):
        return None
    named = _TOPIC.search(text)
    if (
        named
        and named["name"].lower() not in _NO_NAMES
        and (named["word"] or broker is None or "." in named["name"] or "-" in named["name"])
    ):
        return named["name"]
    return broker
