"""Which values may stand in one row together, and how a part of a row is completed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from orchestra_kit.errors import DefinitionError

Assignment = tuple[int, int]


def members(bits: int) -> Iterator[int]:
    """Yield the positions of the set bits, lowest first."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


class Symbols:
    """The values of all factors numbered through, so that a row or a set of values is one integer used as a bit set."""

    __slots__ = ("column", "column_mask", "count", "levels", "offset")

    def __init__(self, levels: Sequence[int]) -> None:
        self.levels = tuple(levels)
        self.offset: list[int] = []
        self.column: list[int] = []
        self.column_mask: list[int] = []
        for factor, size in enumerate(self.levels):
            if size < 1:
                raise DefinitionError(f"factor {factor} has no value.")
            self.offset.append(len(self.column))
            self.column_mask.append(((1 << size) - 1) << len(self.column))
            self.column.extend([factor] * size)
        self.count = len(self.column)

    def bits(self, row: Sequence[int]) -> int:
        """Return a row of values as a bit set."""
        return sum(1 << (self.offset[factor] + value) for factor, value in enumerate(row))

    def values(self, bits: int) -> list[int]:
        """Return the row of values that a bit set with one symbol a factor stands for."""
        return [
            (bits & mask).bit_length() - 1 - offset for mask, offset in zip(self.column_mask, self.offset, strict=True)
        ]


class Feasibility:
    """The combinations that no row may hold."""

    __slots__ = ("nogoods", "of_symbol", "symbols")

    def __init__(self, symbols: Symbols, forbidden: Iterable[Sequence[Assignment]]) -> None:
        self.symbols = symbols
        self.nogoods: list[int] = []
        self.of_symbol: list[list[int]] = [[] for _ in range(symbols.count)]
        for combination in forbidden:
            self._add(combination)

    def _add(self, combination: Sequence[Assignment]) -> None:
        mask = 0
        for factor, value in combination:
            if not (0 <= factor < len(self.symbols.levels) and 0 <= value < self.symbols.levels[factor]):
                raise DefinitionError(
                    f"forbidden combination names value {value} of factor {factor}, which is not there."
                )
            mask |= 1 << (self.symbols.offset[factor] + value)
        if any((mask & column).bit_count() > 1 for column in self.symbols.column_mask):
            return  # two values of one factor never meet anyway
        self.nogoods.append(mask)
        for symbol in members(mask):
            self.of_symbol[symbol].append(mask)

    def allows(self, bits: int, symbol: int) -> bool:
        """Return whether a row `bits` that holds `symbol` breaks none of the rules that name this symbol."""
        return all(nogood & ~bits for nogood in self.of_symbol[symbol])

    def complete(self, fixed: int, prefer: Callable[[int], int] | None = None) -> int | None:
        """Return a whole row with the symbols of `fixed`, or None where no such row is allowed.

        Of the values of a factor the one with the highest `prefer` is tried first.
        """
        domain = (1 << self.symbols.count) - 1
        for symbol in members(fixed):
            domain &= ~self.symbols.column_mask[self.symbols.column[symbol]] | (1 << symbol)
        return self._search(domain, prefer)

    def _search(self, domain: int, prefer: Callable[[int], int] | None) -> int | None:
        stack = [domain]
        while stack:
            narrowed = self._narrow(stack.pop())
            if narrowed is None:
                continue
            open_columns = [mask for mask in self.symbols.column_mask if (narrowed & mask).bit_count() > 1]
            if not open_columns:
                return narrowed
            mask = min(open_columns, key=lambda item: (narrowed & item).bit_count())
            choices = list(members(narrowed & mask))
            if prefer is not None:
                choices.sort(key=prefer)
            stack.extend(narrowed & ~mask | (1 << choice) for choice in choices)
        return None

    def _narrow(self, domain: int) -> int | None:
        """Return `domain` without the values that unit propagation rules out, or None at a contradiction."""
        changed = True
        while changed:
            changed = False
            fixed = 0
            for mask in self.symbols.column_mask:
                rest = domain & mask
                if not rest:
                    return None
                if rest & (rest - 1) == 0:
                    fixed |= rest
            for nogood in self.nogoods:
                if nogood & ~domain:
                    continue  # one of its values is out already
                rest = nogood & ~fixed
                if not rest:
                    return None
                if rest & (rest - 1) == 0:
                    domain &= ~rest
                    changed = True
        return domain


def required_pairs(feasibility: Feasibility) -> list[int]:
    """Return for each symbol the set of symbols it must meet: all of other factors that some allowed row holds with it."""
    symbols = feasibility.symbols
    everything = (1 << symbols.count) - 1
    free = [everything & ~symbols.column_mask[symbols.column[symbol]] for symbol in range(symbols.count)]
    if not feasibility.nogoods:
        return free
    required = [0] * symbols.count
    for symbol in range(symbols.count):
        for other in members(free[symbol] & ~required[symbol]):
            if other < symbol:
                continue  # judged from the other side
            row = feasibility.complete(1 << symbol | 1 << other)
            if row is None:
                continue
            # One allowed row shows all its pairs to be feasible at once.
            for member in members(row):
                required[member] |= row & free[member]
    return required
