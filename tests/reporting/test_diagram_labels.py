"""Labels stand beside their shapes where they hide least."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestra_kit.reporting.diagram.labels import LabelPlaces
from orchestra_kit.reporting.diagram.scene import Box, Line

EVENT = Box(100, 100, 36, 36)


def overlap(one: Box, two: Box) -> bool:
    return one.x < two.right and two.x < one.right and one.y < two.bottom and two.y < one.bottom


def test_a_free_label_stands_centred_below() -> None:
    place = LabelPlaces([EVENT], [], []).beside(EVENT, 60, 13)
    assert place == Box(88, 140, 60, 13)


def test_a_label_gives_way_to_a_shape_below_it() -> None:
    task = Box(80, 140, 100, 80)
    place = LabelPlaces([EVENT, task], [], []).beside(EVENT, 60, 13)
    assert not overlap(place, task)
    assert place.bottom <= EVENT.y


def test_a_label_gives_way_to_a_line_that_leaves_below() -> None:
    line = Line(((118, 136), (118, 300)))
    place = LabelPlaces([EVENT], [], [line]).beside(EVENT, 60, 13)
    assert not (place.x < 118 < place.right and place.bottom > 136)


def test_the_border_of_an_expanded_sub_process_is_avoided_and_its_inside_is_free() -> None:
    inside = LabelPlaces([EVENT], [Box(0, 0, 400, 400)], []).beside(EVENT, 60, 13)
    assert inside == Box(88, 140, 60, 13)
    at_the_edge = LabelPlaces([EVENT], [Box(0, 0, 400, 146)], []).beside(EVENT, 60, 13)
    assert not (at_the_edge.y < 146 < at_the_edge.bottom)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=9, unique=True))
def test_labels_of_neighbours_far_enough_apart_never_meet(spots: list[tuple[int, int]]) -> None:
    shapes = [Box(x * 120.0, y * 70.0, 36, 36) for x, y in spots]
    places = LabelPlaces(shapes, [], [])
    given_away = [places.beside(shape, 80, 13) for shape in shapes]
    for index, one in enumerate(given_away):
        assert not any(overlap(one, two) for two in given_away[index + 1 :])
        assert not any(overlap(one, shape) for shape in shapes)
