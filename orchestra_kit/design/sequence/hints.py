"""What the text of a message gives away about its endpoint: verb, path, status, topic, the name of an operation."""

from __future__ import annotations

import re

from orchestra_kit.design.sequence.labels import plain
from orchestra_kit.design.sequence.syntax_tree import Actor, Message, MessageKind

_REQUEST = re.compile(
    r"\b(?P<verb>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b[\s:\-–\"'`]{0,6}"
    r"(?:https?://[^\s/\"']{1,200})?(?P<path>/[^\s\"'`<>,;)]{0,300})?",
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
    r"\b(?:publish(?:es|ed)?|produces?|emits?|send(?:s)? (?:event|message)|consumes?|subscribes?(?: to)?|enqueues?)\b\s+"
    r"(?:an?\s+|the\s+)?(?:(?:event|message|to|from|topic)\s+){0,2}[\"'`(]?(?P<name>[A-Za-z][\w.\-/]{1,100})",
    re.IGNORECASE,
)
_CALL = re.compile(r"(?P<name>[A-Za-z_][\w.]{0,100}+)\s?\(")
_TOPIC_NAME = re.compile(r"\b(?:topic|queue|kafka|rabbit\w*|exchange|event bus|broker|stream)\b", re.IGNORECASE)
_STATUSES = frozenset(
    {*range(100, 104), *range(200, 209), 226, *range(300, 309), *range(400, 419), *range(421, 427), 428, 429, 431, 451}
    | {*range(500, 509), 510, 511}
)
_NO_NAMES = frozenset({"event", "message", "events", "messages", "and", "to", "from", "the", "a", "an"})


def hints_of(message: Message, sender: Actor, receiver: Actor) -> dict[str, str | int]:
    """Return what a message tells about its endpoint; keys: verb, path, status, topic, name, service."""
    text = plain(message.text)[:600]
    found: dict[str, str | int] = {}
    request = _REQUEST.search(text)
    if request and message.kind is not MessageKind.RETURN and (request["path"] or text.startswith(request["verb"])):
        found["verb"] = request["verb"]
        if request["path"]:
            found["path"] = request["path"].rstrip(".:")
    status = _status(text)
    if status is not None:
        found["status"] = status
    topic = _topic(text, sender, receiver)
    if topic and message.kind is not MessageKind.RETURN:
        found["topic"] = topic
    call = _CALL.search(text)
    if call and "verb" not in found and message.kind is not MessageKind.RETURN:
        found["name"] = call["name"]
    if message.kind is not MessageKind.RETURN and not message.lost:
        found["service"] = receiver.name
    return found


def _status(text: str) -> int | None:
    for found in _STATUS.finditer(text):
        code = int(found["code"] or found["phrased"] or found["behind"])
        if code in _STATUSES:
            return code
    return None


def _topic(text: str, sender: Actor, receiver: Actor) -> str | None:
    """Return the topic or queue: by the participant that is one, else by what is published."""
    for actor in (receiver, sender):
        if actor.kind == "queue" or _TOPIC_NAME.search(actor.name):
            return actor.name
    named = _TOPIC.search(text)
    return named["name"] if named and named["name"].lower() not in _NO_NAMES else None
