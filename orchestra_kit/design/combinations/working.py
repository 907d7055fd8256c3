"""An array of rows while it is being built: which required pairs it holds not at all or only once, kept up to date."""

from __future__ import annotations

from collections.abc import Sequence

from .feasibility import Feasibility, Symbols, members


class WorkingArray:
    """Rows over numbered symbols; `missing[s]` and `single[s]` are the symbols that s meets in no row, in exactly one."""

    __slots__ = ("feasibility", "holders", "missing", "open", "place", "required", "rows", "single", "symbols")

    def __init__(self, feasibility: Feasibility, required: list[int], rows: Sequence[int] = ()) -> None:
        self.feasibility = feasibility
        self.symbols: Symbols = feasibility.symbols
        self.required = required
        self.rows: list[int] = []
        self.holders: list[set[int]] = [set() for _ in range(self.symbols.count)]
        self.missing = list(required)
        self.single = [0] * self.symbols.count
        self.open: list[tuple[int, int]] = []
        self.place: dict[tuple[int, int], int] = {}
        for symbol, others in enumerate(required):
            for other in members(others >> symbol << symbol):
                self._open_pair(symbol, other)
        for row in rows:
            self.append(row)

    def append(self, row: int) -> None:
        """Add a row."""
        index = len(self.rows)
        self.rows.append(row)
        for symbol in members(row):
            self.holders[symbol].add(index)
            others = row & self.required[symbol]
            newly = self.missing[symbol] & others
            self.single[symbol] = (self.single[symbol] & ~others) | newly
            self.missing[symbol] &= ~others
            for other in members(newly >> symbol << symbol):
                self._close_pair(symbol, other)

    def change(self, index: int, old: int, new: int) -> None:
        """Put the symbol `new` in the place of `old` in a row."""
        self.rows[index] ^= 1 << old | 1 << new
        self.holders[old].discard(index)
        self.holders[new].add(index)
        self._recount(old)
        self._recount(new)

    def cost_of_change(self, row: int, old: int, new: int) -> int:
        """Return by how many the pairs not covered grow when `old` makes room for `new` in this row."""
        return (self.single[old] & row).bit_count() - (self.missing[new] & row).bit_count()

    def cost_of_removal(self, index: int) -> int:
        """Return how many pairs only this row holds (each counted from both sides)."""
        row = self.rows[index]
        return sum((self.single[symbol] & row).bit_count() for symbol in members(row))

    def _recount(self, symbol: int) -> None:
        once = twice = 0
        rows = self.rows
        for index in self.holders[symbol]:
            row = rows[index]
            twice |= once & row
            once |= row
        required = self.required[symbol]
        missing = required & ~once
        single = required & once & ~twice
        bit = 1 << symbol
        changed = missing ^ self.missing[symbol]
        while changed:
            low = changed & -changed
            changed ^= low
            other = low.bit_length() - 1
            self.missing[other] ^= bit
            pair = (symbol, other) if symbol < other else (other, symbol)
            if missing & low:
                self._open_pair(*pair)
            else:
                self._close_pair(*pair)
        changed = single ^ self.single[symbol]
        while changed:
            low = changed & -changed
            changed ^= low
            self.single[low.bit_length() - 1] ^= bit
        self.missing[symbol] = missing
        self.single[symbol] = single

    def _open_pair(self, symbol: int, other: int) -> None:
        self.place[symbol, other] = len(self.open)
        self.open.append((symbol, other))

    def _close_pair(self, symbol: int, other: int) -> None:
        position = self.place.pop((symbol, other))
        last = self.open.pop()
        if position < len(self.open):
            self.open[position] = last
            self.place[last] = position
