"""Random processes as BPMN text: tiny ones of any shape, and larger ones built of blocks inside blocks."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

MODEL = "http://www.omg.org/spec/BPMN/20100524/MODEL"
GATEWAYS = ("task", "exclusiveGateway", "exclusiveGateway", "parallelGateway", "parallelGateway", "inclusiveGateway")
TERMINATE = '<endEvent id="x"><terminateEventDefinition/></endEvent>'


def document(content: str) -> bytes:
    return f'<definitions xmlns="{MODEL}"><process id="p">{content}</process></definitions>'.encode()


def tiny(seed: int) -> bytes:
    """A few nodes of any kind and flows between any of them: loops, deadlocks, dead code, branches that never meet."""
    chance = random.Random(seed)
    names = [f"n{index}" for index in range(chance.randint(2, 5))]
    ends = ["e", "x"] if chance.random() < 0.2 else ["e"]
    forward = chance.random() < 0.5
    pairs = [("s", chance.choice(names))]
    for _ in range(chance.randint(3, 8)):
        place = chance.randrange(len(names))
        targets = names[place + 1 :] + ends if forward else [*names, *ends]
        pairs.append((names[place], chance.choice(targets)))
    parts = ['<startEvent id="s"/><endEvent id="e"/>', TERMINATE if "x" in ends else ""]
    for name in names:
        kind = chance.choice(GATEWAYS)
        leaving = [f"f{index}" for index, pair in enumerate(pairs) if pair[0] == name]
        usual = kind == "inclusiveGateway" and len(leaving) > 1 and chance.random() < 0.5
        default = f' default="{chance.choice(leaving)}"' if usual else ""
        parts.append(f'<{kind} id="{name}"{default}/>')
    parts += [f'<sequenceFlow id="f{index}" sourceRef="{a}" targetRef="{b}"/>' for index, (a, b) in enumerate(pairs)]
    return document("".join(parts))


@dataclass
class Blocks:
    """Builds a process of sequences, choices, parallel and inclusive blocks and loops around them, `size` tasks or so."""

    chance: random.Random
    size: int
    largest_loop: int = 10**9
    parts: list[str] = field(default_factory=list)
    flows: int = 0
    nodes: int = 0

    def document(self) -> bytes:
        start, end = self.node("startEvent"), self.node("endEvent")
        self.grow(start, end, self.size)
        return document("".join(self.parts))

    def node(self, kind: str, extra: str = "") -> str:
        self.nodes += 1
        self.parts.append(f'<{kind} id="n{self.nodes}"{extra}/>')
        return f"n{self.nodes}"

    def flow(self, source: str, target: str) -> str:
        self.flows += 1
        self.parts.append(f'<sequenceFlow id="f{self.flows}" sourceRef="{source}" targetRef="{target}"/>')
        return f"f{self.flows}"

    def grow(self, source: str, target: str, size: int) -> None:
        """Put something between two nodes; work is kept on a stack so that depth does not matter."""
        work = [(source, target, size)]
        while work:
            source, target, size = work.pop()
            shape = self.chance.random()
            if size <= 1:
                self.flow(source, target)
            elif shape < 0.3:
                middle, first = self.node("task"), self.chance.randint(1, size - 1)
                work += [(source, middle, first), (middle, target, size - first)]
            elif shape < 0.42 and size <= self.largest_loop:
                head, tail = self.node("exclusiveGateway"), self.node("exclusiveGateway")
                self.flow(source, head)
                self.flow(tail, head)
                work += [(head, tail, size - 1), (tail, target, 1)]
            else:
                work += self.branches(source, target, size)

    def branches(self, source: str, target: str, size: int) -> list[tuple[str, str, int]]:
        kind = self.chance.choice(
            ["exclusiveGateway", "parallelGateway", "parallelGateway", "inclusiveGateway", "task"]
        )
        split, join = self.node(kind), self.node("parallelGateway" if kind == "task" else kind)
        self.flow(source, split)
        width = self.chance.randint(2, 4)
        found = [(split, join, max(1, size // width)) for _ in range(width)]
        if self.chance.random() < 0.15 and kind in ("parallelGateway", "task"):
            apart = self.node("endEvent")  # one branch goes its own way
            found.append((split, apart, max(1, size // width)))
        return [*found, (join, target, 1)]


def blocks(seed: int, size: int, largest_loop: int = 10**9) -> bytes:
    """A process of nested blocks; loops go around no more than so many tasks."""
    return Blocks(random.Random(seed), size, largest_loop).document()
