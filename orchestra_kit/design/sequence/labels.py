"""Texts of diagrams as plain words: marks of PlantUML's Creole, HTML and line breaks taken out."""

from __future__ import annotations

import html
import re

LONGEST_NAME = 160
_LOOKED_AT = 800
"""No name needs more of a text; every pattern below stays quick within it."""

_BREAKS = re.compile(r"\\n|\\l|\\r|%n\(\)|%newline\(\)|<br\s*/?>|\n", re.IGNORECASE)
_TAGS = re.compile(
    r"</?(?:b|i|u|s|w|sub|sup|size|color|back|font|img|plain|span|div|em|strong|code|del|text|&)\b[^<>]{0,200}>",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[\[(?P<target>[^\s\]{|]{0,250}+)(?:\{[^}]{0,150}+\})?[\s|]{0,50}+(?P<label>[^\]]{0,200}+)\]\]")
_PAIRS = re.compile(r"\*\*|\"\"|__|~~|--(?=\S)(?=[^-]*--)")
_ENTITY = re.compile(r"#(?P<code>\w{1,10});")


def plain(text: str) -> str:
    """Return a text in one line without marks."""
    text = _BREAKS.sub(" ", text[:_LOOKED_AT])
    text = _LINK.sub(lambda found: found["label"] or found["target"], text)
    text = _TAGS.sub("", text)
    text = _PAIRS.sub("", text)
    text = re.sub(r"(?<![:\w/])//(?=\S)|(?<=\S)//(?=\s|$|[.,;)])", "", text)
    text = html.unescape(_ENTITY.sub(_entity, text)) if "&" in text or "#" in text else text
    return " ".join(text.split())


def short(text: str) -> str:
    """Return a text cut to the length of a name."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1].rstrip() + "…"


def slug(text: str) -> str:
    """Return a text as an id: letters, digits, dots, dashes and underscores of ASCII; '' where none of it can stand."""
    import unicodedata

    flat = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+(?:\.[0-9]+)*", flat)
    return "-".join(words)[:60].strip("-.")


def _entity(found: re.Match[str]) -> str:
    """Return what Mermaid's #35; and #quot; stand for."""
    code = found["code"]
    if code.isdigit():
        return chr(int(code)) if 32 <= int(code) < 0x11_0000 and not 0xD800 <= int(code) < 0xE000 else ""
    decoded = html.unescape(f"&{code};")
    return found[0] if decoded == f"&{code};" else decoded
