"""The token player can fail: right and wrong paths of every kind, each wrong one with the place where it goes wrong."""

from __future__ import annotations

import pytest
from token_model import Model
from token_player import fewest_runs, judge_composed, judge_container, read_bpmn

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def process(nodes: str, flows: str, extra: str = "") -> str:
    """`nodes`: `kind:id` words, `flows`: `id:source>target` words, `?` after it for a condition; `extra`: XML."""
    parts = [f'<{kind} id="{name}"/>' for kind, name in (item.split(":") for item in nodes.split())]
    for word in flows.split():
        name, ends = word.rstrip("?").split(":")
        source, target = ends.split(">")
        guard = "<conditionExpression>x</conditionExpression>" if word.endswith("?") else ""
        parts.append(f'<sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{guard}</sequenceFlow>')
    return "".join(parts) + extra


def model(nodes: str, flows: str, extra: str = "") -> Model:
    return read_bpmn(
        f'<definitions xmlns="{MODEL}"><process id="p">{process(nodes, flows, extra)}</process></definitions>'.encode()
    )


LINE = model("startEvent:s task:a endEvent:e", "f:s>a g:a>e")
XOR = model("startEvent:s exclusiveGateway:x task:a task:b endEvent:e", "f:s>x g:x>a h:x>b i:a>e j:b>e")
AND = model(
    "startEvent:s parallelGateway:x task:a task:b parallelGateway:y endEvent:e", "f:s>x g:x>a h:x>b i:a>y j:b>y k:y>e"
)
OR = model(
    "startEvent:s task:a task:b task:c inclusiveGateway:y endEvent:e",
    "f:s>x g:x>a? h:x>b? d:x>c i:a>y j:b>y l:c>y k:y>e",
    '<inclusiveGateway id="x" default="d"/>',
)
STUCK = model(
    "startEvent:s exclusiveGateway:x task:a task:b parallelGateway:y endEvent:e", "f:s>x g:x>a h:x>b i:a>y j:b>y k:y>e"
)
MERGE = model("startEvent:s parallelGateway:x exclusiveGateway:m task:a endEvent:e", "f:s>x g:x>m h:x>m k:m>a l:a>e")
LOOP = model("startEvent:s exclusiveGateway:m task:a exclusiveGateway:x endEvent:e", "f:s>m g:m>a h:a>x back:x>m k:x>e")
TERMINATE = model(
    "startEvent:s parallelGateway:x task:a task:b endEvent:e",
    "f:s>x g:x>a h:x>b i:a>t j:b>e",
    '<endEvent id="t"><terminateEventDefinition/></endEvent>',
)
LINKS = model(
    "startEvent:s task:a endEvent:e",
    "f:s>t g:c>a h:a>e",
    '<intermediateThrowEvent id="t"><linkEventDefinition name="L"/></intermediateThrowEvent>'
    '<intermediateCatchEvent id="c"><linkEventDefinition name="L"/></intermediateCatchEvent>',
)
BOUNDARY = model(
    "startEvent:s task:a endEvent:e endEvent:z",
    "f:s>a g:a>e h:b>z i:n>z",
    '<boundaryEvent id="b" attachedToRef="a"><timerEventDefinition/></boundaryEvent>'
    '<boundaryEvent id="n" attachedToRef="a" cancelActivity="false"><timerEventDefinition/></boundaryEvent>',
)
STARTS = model("startEvent:s startEvent:t task:a endEvent:e", "f:s>a g:t>a h:a>e")
JOINED = model("startEvent:s startEvent:t parallelGateway:y endEvent:e", "f:s>y g:t>y h:y>e")
NO_START = model("task:a task:b endEvent:e", "f:a>e g:b>e")
IMPLICIT = model("startEvent:s task:a task:b task:c", "f:s>a g:a>b h:a>c")
CONDITIONAL = model("startEvent:s task:a task:b task:c task:d", "f:s>a g:a>b? h:a>c? i:a>d")
COMPLEX = model(
    "startEvent:s complexGateway:x task:a task:b complexGateway:y endEvent:e", "f:s>x g:x>a h:x>b i:a>y j:b>y k:y>e"
)
EVENTS = model("startEvent:s eventBasedGateway:x receiveTask:a receiveTask:b", "f:s>x g:x>a h:x>b")
LOOPED_OR = model(
    "startEvent:s parallelGateway:x task:a task:b exclusiveGateway:m inclusiveGateway:y endEvent:e",
    "f:s>x g:x>a h:x>b i:a>y j:b>m k:m>b l:m>y o:y>e",
)

CONTAINER_RUNS = [
    (LINE, "f g", None),
    (LINE, "f", "stays before 'a'"),
    (LINE, "g f", "'a' has no token"),
    (LINE, "f f g", "position 1"),
    (LINE, "f g x", "'x' at position 2 is not there"),
    (LINE, "", "has not begun"),
    (XOR, "f g i", None),
    (XOR, "f g h i j", "exclusiveGateway 'x' puts tokens on|'x' has no token"),
    (AND, "f g h i j k", None),
    (AND, "f h g j i k", None),
    (AND, "f g i k", "parallelGateway 'x' puts tokens on"),
    (AND, "f g i h j k", "at once, not as written"),
    (AND, "f g h i k", "parallel join 'y' has no token on 'j'"),
    (AND, "f g h i j", "stays before 'y'"),
    (STUCK, "f g i k", "parallel join 'y' has no token on 'j'"),
    (OR, "f g i k", None),
    (OR, "f g h i j k", None),
    (OR, "f d l k", None),
    (OR, "f d g l i k", "'x' has no token; tokens: d"),
    (OR, "f g h i k j", "inclusive join 'y' still waits for 'j': the token at 'h'"),
    (OR, "f g h i j k k", "'y' has no token"),
    (MERGE, "f g h k l k l", None),
    (MERGE, "f g h k k l l", None),
    (MERGE, "f g h k l", "a token on"),
    (LOOP, "f g h back g h back g h k", None),
    (LOOP, "f g h back k", "position 4"),
    (TERMINATE, "f g h i", None),
    (TERMINATE, "f g h i j", None),
    (TERMINATE, "f g h j", "stays before 'a'"),
    (LINKS, "f g h", None),
    (LINKS, "f h", "'a' has no token"),
    (BOUNDARY, "f g", None),
    (BOUNDARY, "f h", None),
    (BOUNDARY, "f g h", "not active"),
    (BOUNDARY, "f i g", None),
    (BOUNDARY, "f g i", None),
    (BOUNDARY, "f i i g", None),
    (BOUNDARY, "f i", "activity 'a' is still active"),
    (BOUNDARY, "f i h", None),
    (STARTS, "f h", None),
    (STARTS, "f g h h", "'t' has no token"),
    (JOINED, "f g h", None),
    (JOINED, "f h", "parallel join 'y' has no token on 'g'"),
    (NO_START, "f g", None),
    (NO_START, "f", "a token that no flow brought stays before 'b'"),
    (IMPLICIT, "f g h", None),
    (IMPLICIT, "f g", "task 'a' puts tokens on"),
    (CONDITIONAL, "f i", None),
    (CONDITIONAL, "f h i", None),
    (CONDITIONAL, "f g h i", None),
    (CONDITIONAL, "f g", "task 'a' puts tokens on"),
    (COMPLEX, "f g h i k j k", None),
    (COMPLEX, "f g i k", None),
    (COMPLEX, "f g h i k j", "stays before 'y'"),
    (EVENTS, "f h", None),
    (EVENTS, "f g h", "position 2|position 1"),
    (LOOPED_OR, "f g h i j k j l o", None),
    (LOOPED_OR, "f g h i o j l", "inclusive join 'y' still waits for 'l'"),
]


@pytest.mark.parametrize(
    ("graph", "path", "wrong"), CONTAINER_RUNS, ids=[f"{i}-{run[1]}" for i, run in enumerate(CONTAINER_RUNS)]
)
def test_a_path_of_one_container(graph: Model, path: str, wrong: str | None) -> None:
    verdict = judge_container(graph, "p", path.split())
    if wrong is None:
        assert verdict is None
    else:
        assert verdict is not None
        assert any(part in verdict for part in wrong.split("|")), verdict


INNER = process("startEvent:is task:ia endEvent:ie", "if:is>ia ig:ia>ie")
NESTED = model("startEvent:s endEvent:e", "f:s>q g:q>e", f'<subProcess id="q">{INNER}</subProcess>')
ROUNDS = model(
    "startEvent:s endEvent:e",
    "f:s>q g:q>e",
    f'<subProcess id="q">{INNER}<multiInstanceLoopCharacteristics/></subProcess>',
)
ERROR = model(
    "startEvent:s endEvent:e endEvent:z",
    "f:s>q g:q>e h:b>z",
    '<subProcess id="q">'
    + process("startEvent:is exclusiveGateway:ix endEvent:ie", "if:is>ix ig:ix>ie ih:ix>ir")
    + '<endEvent id="ir"><errorEventDefinition errorRef="E"/></endEvent></subProcess>'
    '<boundaryEvent id="b" attachedToRef="q"><errorEventDefinition errorRef="E"/></boundaryEvent>',
)
BREAK = '<startEvent id="vs" isInterrupting="{}"><messageEventDefinition/></startEvent><sequenceFlow id="vf" sourceRef="vs" targetRef="ve"/><endEvent id="ve"/>'
INTERRUPTED = model(
    "startEvent:s task:a endEvent:e",
    "f:s>a g:a>e",
    f'<subProcess id="v" triggeredByEvent="true">{BREAK.format("true")}</subProcess>',
)
BESIDE = model(
    "startEvent:s task:a endEvent:e",
    "f:s>a g:a>e",
    f'<subProcess id="v" triggeredByEvent="true">{BREAK.format("false")}</subProcess>',
)
TERMINATED = model(
    "startEvent:s endEvent:e",
    "f:s>q g:q>e",
    '<subProcess id="q">'
    + process("startEvent:is parallelGateway:ix task:ia", "if:is>ix ig:ix>ia ih:ix>it")
    + '<endEvent id="it"><terminateEventDefinition/></endEvent></subProcess>',
)
ADHOC = model(
    "startEvent:s endEvent:e", "f:s>q g:q>e", '<adHocSubProcess id="q"><task id="u"/><task id="v"/></adHocSubProcess>'
)

COMPOSED_RUNS = [
    (NESTED, "f if ig g", None),
    (NESTED, "f g", "inside of 'q' was not walked"),
    (NESTED, "f if g", "'q'"),
    (NESTED, "if ig f g", "position 0"),
    (NESTED, "f if ig if ig g", "position 3"),
    (ROUNDS, "f if ig if ig g", None),
    (ROUNDS, "f g", None),
    (ROUNDS, "f if ig if g", "position 4"),
    (ERROR, "f if ig g", None),
    (ERROR, "f if ih h", None),
    (ERROR, "f if ih g", "position 3"),
    (INTERRUPTED, "f g", None),
    (INTERRUPTED, "f vf", None),
    (INTERRUPTED, "f vf g", "'a' has no token"),
    (BESIDE, "f vf g", None),
    (BESIDE, "f vf", "stays before 'a'"),
    (TERMINATED, "f if ig ih g", None),
    (ADHOC, "f g", None),
]


@pytest.mark.parametrize(
    ("graph", "path", "wrong"), COMPOSED_RUNS, ids=[f"{i}-{run[1]}" for i, run in enumerate(COMPOSED_RUNS)]
)
def test_a_path_through_sub_processes(graph: Model, path: str, wrong: str | None) -> None:
    verdict = judge_composed(graph, "p", path.split())
    assert (verdict is None) == (wrong is None), verdict
    assert wrong is None or wrong in str(verdict)


def test_sub_processes_are_one_step_in_their_container() -> None:
    assert judge_container(NESTED, "p", ["f", "g"]) is None
    assert judge_container(NESTED, "q", ["if", "ig"]) is None
    assert "not in container 'p'" in str(judge_container(NESTED, "p", ["f", "if", "ig", "g"]))


def test_what_nothing_provokes_does_not_happen() -> None:
    assert judge_container(BOUNDARY, "p", ["f", "h"], provokes=["b"]) is None
    assert "nothing provokes 'b'" in str(judge_container(BOUNDARY, "p", ["f", "h"], provokes=[]))
    assert judge_container(INTERRUPTED, "p", ["f"], provokes=["vs"]) is None
    assert judge_container(INTERRUPTED, "p", ["f"], provokes=[]) is not None


def test_processes_beside_each_other() -> None:
    two = "".join(
        f'<process id="p{n}">{process(f"startEvent:s{n} task:a{n}", f"f{n}:s{n}>a{n}")}</process>' for n in (1, 2)
    )
    both = read_bpmn(f'<definitions xmlns="{MODEL}">{two}</definitions>'.encode())
    assert judge_composed(both, ["p1", "p2"], ["f1", "f2"]) is None
    assert judge_composed(both, ["p1", "p2"], ["f2"]) is None
    assert judge_composed(both, "p1", ["f2"]) is not None


@pytest.mark.parametrize(
    ("graph", "runs"),
    [
        (LINE, 1),
        (XOR, 2),
        (AND, 1),
        (OR, 2),
        (LOOP, 1),
        (MERGE, 1),
        (STUCK, 0),
        (STARTS, 2),
        (JOINED, 1),
        (COMPLEX, 1),
        (CONDITIONAL, 1),
    ],
)
def test_brute_force_counts_the_runs_that_take_all_flows(graph: Model, runs: int) -> None:
    assert fewest_runs(graph, "p") is not None
    assert fewest_runs(graph, "p")[0] == runs  # type: ignore[index]


def test_boundary_events_count_only_when_asked() -> None:
    assert fewest_runs(BOUNDARY, "p") == (1, frozenset({"f", "g"}))
    assert fewest_runs(BOUNDARY, "p", boundaries=True) == (2, frozenset({"f", "g", "h", "i"}))
