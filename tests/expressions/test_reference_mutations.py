"""Goal G7: seeded slips and wrong uses in references are found before a run, and sound references are left alone.

Over the response schemas of a small vendored document always, over a corpus of published ones where it is there.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestra_kit.expressions import ObjectShape, Shape, check_references, shape_of_schema

_METHODS = ("get", "post", "put", "patch", "delete")
_ROOT = Path(__file__).resolve().parents[2]
_CORPUS = Path(os.environ.get("ORCHESTRA_CORPUS", _ROOT.parent / "shared" / "data")) / "openapi"
_MOST_MUTATED_BYTES, _MOST_EXAMPLE_BYTES = 200_000, 400_000
_REFERENCES_PER_DOCUMENT = 40


def response_schemas(document: Mapping[str, Any]) -> Iterator[Any]:
    for path_item in (document.get("paths") or {}).values():
        for method in _METHODS:
            operation = path_item.get(method) if isinstance(path_item, dict) else None
            for response in (operation or {}).get("responses", {}).values():
                for media in ((response or {}).get("content") or {}).values():
                    if isinstance(media, dict) and isinstance(media.get("schema"), dict):
                        yield media["schema"]


def leaves(
    shape: Shape, path: tuple[str | int, ...] = (), depth: int = 0
) -> Iterator[tuple[tuple[str | int, ...], Shape]]:
    """Yield every declared path of a shape with what is there, as a tester could refer to it."""
    if path:
        yield path, shape
    if depth == 5:
        return
    for name in shape.names()[:25]:
        child = shape.child(name)
        if child is not None and child.declared and name.isidentifier() and name.isascii():
            yield from leaves(child.shape, (*path, name), depth + 1)
    if shape.types() == {"array"}:
        item = shape.child(0)
        if item is not None:
            yield from leaves(item.shape, (*path, 0), depth + 1)


def written(path: tuple[str | int, ...]) -> str:
    return "steps.a.response.body" + "".join(f"[{part}]" if isinstance(part, int) else f'["{part}"]' for part in path)


def scope_of(body: Shape) -> dict[str, Shape]:
    return {"steps": ObjectShape({"a": ObjectShape({"response": ObjectShape({"body": body})})})}


def slip(name: str, chance: random.Random) -> str:
    """Return a name with one slip of the fingers."""
    at = chance.randrange(len(name))
    swapped = name[:at] + name[at : at + 2][::-1] + name[at + 2 :]
    return chance.choice([name[:at] + name[at] + name[at:], name + "x", swapped, name[:at] + "q" + name[at:]])


def mutants(path: tuple[str | int, ...], shape: Shape, names: tuple[str, ...], chance: random.Random) -> Iterator[str]:
    """Yield expressions that are certainly wrong, made from a reference that is right."""
    last = path[-1]
    if isinstance(last, str) and len(last) >= 2:
        name = slip(last, chance)
        if name not in names:
            yield written((*path[:-1], name))
    yield written(path).replace("steps.a.", "steps.b.")
    yield written(path).replace("steps.", "stepz.")
    yield written(path).replace(".body", ".boody")
    kinds = shape.types()
    if kinds is None:
        return
    text = written(path)
    if not kinds & {"object", "array"} and "null" not in kinds:
        yield f"{text}.field"
        yield f"{text}[0]"
        yield f"{text}.all(x, true)"
    if kinds == {"string"}:
        yield from (f"{text} == 17", f"{text} > 3", f"{text} * 2", f"{text} + 1", f"!{text}", f"{text} ? 1 : 2")
    if kinds == {"number"}:
        yield from (f"{text} == 'x'", f"{text} < 'x'", f"{text}.startsWith('x')", f"size({text})", f"{text} && true")
    if kinds == {"boolean"}:
        yield from (f"{text} == 'true'", f"{text} == 1", f"{text} - 1")
    if kinds == {"array"}:
        yield from (f"{text}.first", f"{text}['x']", f"{text} == 3", f"{text} + 1")
    if kinds == {"object"}:
        yield from (f"{text} == 'x'", f"{text}[0]", f"{text} / 2")


def sound(path: tuple[str | int, ...], shape: Shape) -> Iterator[str]:
    """Yield uses of a reference that are right, whatever else the document says."""
    text, kinds = written(path), shape.types()
    yield text
    yield f"has({written(path[:-1])}.perhaps) || {text} == null"
    yield f"{text} != null && [{text}].exists(x, x == {text})"
    yield f"string(size([{text}])) + 'x'"
    if kinds is None:
        yield from (f"{text}.anything[0].more", f"{text} > 1", f"{text} + 'x'", f"{text}.all(x, x.y)")
    else:
        if "string" in kinds:
            yield from (
                f"{text} == 'x'",
                f"{text} + 'x'",
                f"{text}.startsWith('x')",
                f"size({text}) > 1",
                f"{text} < 'b'",
            )
        if "number" in kinds:
            yield from (
                f"{text} == 1",
                f"{text} * 2.5 - 1",
                f"{text} in [1, 2]",
                f"-{text} < 3.5",
                f"{text} > 0 ? 1 : 2",
            )
        if "boolean" in kinds:
            yield from (f"{text} == true", f"!{text} || {text}", f"{text} ? 'a' : 'b'")
        if "array" in kinds:
            yield from (
                f"{text}.all(x, x != null)",
                f"size({text}) == 1",
                f"1 in {text}",
                f"{text} + [1]",
                f"{text}[size({text}) - 1]",
            )
        if "object" in kinds:
            yield from (
                f"'x' in {text}",
                f"size({text}) > 0",
                f"{text}.all(k, k != 'x')",
                f"has({text}.neverdeclaredhere)",
            )


def judge(document: Mapping[str, Any], chance: random.Random) -> tuple[list[str], list[str], int, int]:
    """Return missed mutants, false alarms, and how many of each were tried."""
    missed, alarms = [], []
    wrong = right = 0
    found = []
    for schema in response_schemas(document):
        body = shape_of_schema(schema, document.get("components") or {})
        found += [(body, path, shape) for path, shape in leaves(body)]
    for body, path, shape in chance.sample(found, min(len(found), _REFERENCES_PER_DOCUMENT)):
        scope = scope_of(body)
        owner: Shape = body
        for part in path[:-1]:
            child = owner.child(part)
            assert child is not None
            owner = child.shape
        for text in mutants(path, shape, owner.names(), chance):
            wrong += 1
            if not check_references(f"{{{{ {text} }}}}", scope):
                missed.append(text)
        for text in sound(path, shape):
            right += 1
            alarms += [f"{text}: {problem}" for problem in check_references({"x": f"<{{{{ {text} }}}}>"}, scope)]
    return missed, alarms, wrong, right


def test_every_seeded_fault_is_found_and_sound_references_pass_in_a_vendored_document() -> None:
    document = yaml.safe_load((Path(__file__).parent / "orders.openapi.yaml").read_text())
    missed, alarms, wrong, right = judge(document, random.Random(7))
    assert (missed, alarms) == ([], [])
    assert wrong >= 200
    assert right >= 100


def test_seeded_faults_of_published_documents() -> None:
    files = sorted(_CORPUS.glob("*.json")) + sorted(_CORPUS.glob("*.y*ml"))
    if not files:
        pytest.skip(f"no corpus in {_CORPUS.name}")
    chance = random.Random(11)
    all_missed, all_alarms, wrong, right = [], [], 0, 0
    for file in files:
        if file.stat().st_size <= _MOST_MUTATED_BYTES:
            text = file.read_text()
            document = json.loads(text) if file.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
            missed, alarms, tried, passed = judge(document, chance)
            all_missed += missed
            all_alarms += alarms
            wrong, right = wrong + tried, right + passed
    assert wrong >= 2_000
    assert all_missed == []
    assert len(all_alarms) <= right * 0.01, all_alarms[:20]


def example_paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield every path into an example that can be written as a reference."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(name, str) and name.isprintable() and not set(name) & set('"\\{}'):
                yield from example_paths(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value[:2]):
            yield from example_paths(item, (*path, number))


def sound_examples(document: Mapping[str, Any]) -> Iterator[tuple[Shape, Any]]:
    """Yield the examples of responses that their own schema allows (published ones often contradict it)."""
    import jsonschema_rs

    components = document.get("components") or {}
    for path_item in (document.get("paths") or {}).values():
        for method in _METHODS:
            operation = path_item.get(method) if isinstance(path_item, dict) else None
            for response in (operation or {}).get("responses", {}).values():
                for media in ((response or {}).get("content") or {}).values():
                    if not isinstance(media, dict) or not isinstance(media.get("schema"), dict):
                        continue
                    named = media.get("examples")
                    examples = [item.get("value") for item in named.values()] if isinstance(named, dict) else []
                    for example in [media.get("example"), *examples][:4]:
                        try:
                            sound = jsonschema_rs.is_valid({**media["schema"], "components": components}, example)
                        except Exception:
                            continue  # the schema itself is not one
                        if sound:
                            yield shape_of_schema(media["schema"], components), example


def test_paths_of_published_examples_are_no_problem() -> None:
    files = sorted(_CORPUS.glob("*.json")) + sorted(_CORPUS.glob("*.y*ml"))
    if not files:
        pytest.skip(f"no corpus in {_CORPUS.name}")
    alarms, tried = [], 0
    for file in files:
        if file.stat().st_size <= _MOST_EXAMPLE_BYTES:
            text = file.read_text()
            document = json.loads(text) if file.suffix == ".json" else yaml.load(text, Loader=yaml.CSafeLoader)
            for body, example in sound_examples(document):
                for path in list(example_paths(example))[:60]:
                    tried += 1
                    alarms += check_references(f"{{{{ {written(path)} }}}}", scope_of(body))
    assert tried >= 150
    assert len(alarms) <= tried * 0.01, [str(alarm) for alarm in alarms[:20]]
