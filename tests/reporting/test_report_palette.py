"""Colours can be read, and are never the only sign."""

from __future__ import annotations

import pytest

from orchestra_kit.reporting.palette import DARK, LIGHT, TONES, ElementStatus, contrast, mix, tone_colors


def test_each_status_has_a_sign_and_a_word_of_its_own() -> None:
    assert set(TONES) == set(ElementStatus)
    assert len({tone.sign for tone in TONES.values()}) == len(TONES)
    assert len({tone.word for tone in TONES.values()}) == len(TONES)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("status", list(ElementStatus))
def test_status_colours_reach_the_contrast_of_wcag_aa(status: ElementStatus, dark: bool) -> None:
    strong, soft = tone_colors(status, dark=dark)
    ground = DARK if dark else LIGHT
    assert contrast(strong, ground.paper) >= 4.5
    assert contrast(strong, soft) >= 4.5
    assert contrast(ground.ink, soft) >= 7


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_ground_colours_reach_the_contrast_of_wcag_aa(ground: object) -> None:
    surface = LIGHT if ground is LIGHT else DARK
    for color in (surface.ink, surface.muted, surface.accent):
        assert contrast(color, surface.paper) >= 4.5
        assert contrast(color, surface.panel) >= 4.5


def test_mix_goes_from_one_colour_to_the_other() -> None:
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ffffff", 1) == "#ffffff"
    assert mix("#000000", "#64c8ff", 0.5) == "#326480"
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
