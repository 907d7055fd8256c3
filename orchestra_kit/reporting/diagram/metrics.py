"""How wide text is when drawn, without a font: advance widths of Helvetica (Adobe font metrics), per 1000 units."""

from __future__ import annotations

import unicodedata

FONT_SIZE = 12.0
LINE_HEIGHT = 14.4

_WIDTHS: dict[str, int] = {}
for _width, _characters in (
    (191, "'"),
    (222, "ijl‘’"),
    (260, "|"),
    (278, " !,./:;I[]\\ft"),
    (333, "()-`r“”"),
    (334, "{}"),
    (355, '"'),
    (389, "*"),
    (469, "^"),
    (500, "Jcksvxyz"),
    (556, "#$0123456789?L_abdeghnopqu"),
    (584, "+<=>~"),
    (611, "FTZ"),
    (667, "&ABEKPSVXY"),
    (722, "CDHNRUw"),
    (778, "GOQ"),
    (833, "Mm"),
    (889, "%"),
    (944, "W"),
    (1000, "—…"),
    (1015, "@"),
):
    for _character in _characters:
        _WIDTHS[_character] = _width


def text_width(text: str, size: float = FONT_SIZE) -> float:
    """Return the width of `text` in diagram units at a font size."""
    return sum(map(_advance, text)) * size / 1000


def wrap(text: str, width: float, *, size: float = FONT_SIZE, most: int = 8) -> list[str]:
    """Return `text` as at most `most` lines no wider than `width`; a cut text ends in an ellipsis."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        lines.extend(_wrap_words(paragraph.split(), width, size))
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], _with_ellipsis(lines[most - 1], width, size)]


def _wrap_words(words: list[str], width: float, size: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if text_width(longer, size) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        pieces = _break_word(word, width, size)
        lines.extend(pieces[:-1])
        line = pieces[-1]
    return [*lines, line] if line else lines


def _break_word(word: str, width: float, size: float) -> list[str]:
    """Return a word in pieces that fit, broken where a new part of an identifier begins when there is such a place."""
    pieces: list[str] = []
    piece = ""
    for character in word:
        if piece and text_width(piece + character, size) > width:
            cut = _part_before(piece, character)
            pieces.append(piece[:cut])
            piece = piece[cut:]
        piece += character
    return [*pieces, piece]


def _part_before(piece: str, following: str) -> int:
    """Return where the last part of `piece` begins (after a hyphen or dot, at a capital), or its end when it has none."""
    text = piece + following
    for index in range(len(piece), len(piece) // 3, -1):
        before, at = text[index - 1], text[index]
        if before in "_-./:" or (at.isupper() and not before.isupper()):
            return index
    return len(piece)


def _with_ellipsis(line: str, width: float, size: float) -> str:
    while line and text_width(line + "…", size) > width:
        line = line[:-1]
    return line.rstrip() + "…"


def _advance(character: str) -> int:
    known = _WIDTHS.get(character)
    if known is not None:
        return known
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return 1000
    return _WIDTHS.get(unicodedata.normalize("NFD", character)[0], 600)
