"""The colours, signs and words of every picture and report. Each status has a sign and a word besides its colour."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ElementStatus(StrEnum):
    """What became of an element of the process, or of a step, seen from the reports."""

    PASSED = "passed"
    FAILED = "failed"
    FLAKY = "flaky"
    UNJUDGED = "unjudged"
    RUNNING = "running"
    SKIPPED = "skipped"
    NOT_COVERED = "notcovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """How one status looks: a sign and a word for everybody, strong and soft colours in light and dark."""

    sign: str
    word: str
    strong: str
    soft: str
    dark_strong: str
    dark_soft: str


TONES: dict[ElementStatus, Tone] = {
    ElementStatus.PASSED: Tone(
        sign="✓", word="passed", strong="#16722f", soft="#e3f5e7", dark_strong="#4ac26b", dark_soft="#12301c"
    ),
    ElementStatus.FAILED: Tone(
        sign="✗", word="failed", strong="#c11a26", soft="#ffe5e3", dark_strong="#ff7b72", dark_soft="#4a1619"
    ),
    ElementStatus.FLAKY: Tone(
        sign="↻",
        word="passed after retry",
        strong="#8a5a00",
        soft="#fff3cd",
        dark_strong="#e0b341",
        dark_soft="#3a2c08",
    ),
    ElementStatus.UNJUDGED: Tone(
        sign="?", word="could not judge", strong="#7440c9", soft="#f3eafd", dark_strong="#c297ff", dark_soft="#33204f"
    ),
    ElementStatus.RUNNING: Tone(
        sign="▶", word="running", strong="#0a5dc2", soft="#ddf0ff", dark_strong="#6cb6ff", dark_soft="#0f2d4e"
    ),
    ElementStatus.SKIPPED: Tone(
        sign="–", word="skipped", strong="#57606a", soft="#eceff2", dark_strong="#9aa4af", dark_soft="#262c34"
    ),
    ElementStatus.NOT_COVERED: Tone(
        sign="○", word="not covered", strong="#6b747d", soft="#ffffff", dark_strong="#8b949e", dark_soft="#161b22"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The ground colours of a page: ink on paper, quiet text, lines, panels, links, focus."""

    ink: str
    muted: str
    paper: str
    panel: str
    line: str
    accent: str


LIGHT = Surface(ink="#1b1f24", muted="#57606a", paper="#ffffff", panel="#f6f8fa", line="#d0d7de", accent="#0a5dc2")
DARK = Surface(ink="#e6edf3", muted="#9aa4af", paper="#0d1117", panel="#161b22", line="#30363d", accent="#6cb6ff")

SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',Arial,sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"
DIAGRAM_FONT = "Arial,Helvetica,'Liberation Sans',sans-serif"


def tone_colors(status: ElementStatus, *, dark: bool) -> tuple[str, str]:
    """Return the (strong, soft) colours of a status."""
    tone = TONES[status]
    return (tone.dark_strong, tone.dark_soft) if dark else (tone.strong, tone.soft)


def mix(first: str, second: str, share: float) -> str:
    """Return the colour that lies at `share` (0 to 1) of the way from `first` to `second`."""
    parts = (round(a + (b - a) * share) for a, b in zip(_channels(first), _channels(second), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2.2 defines it, from 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
