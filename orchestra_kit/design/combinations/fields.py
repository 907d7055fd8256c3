"""Finite fields as tables, and the orthogonal arrays they give."""

from __future__ import annotations

from itertools import product
from math import isqrt

Table = list[list[int]]


def prime_power(q: int) -> tuple[int, int] | None:
    """Return (p, n) with q = p^n and p prime, or None."""
    if q < 2:
        return None
    prime = next((divisor for divisor in range(2, isqrt(q) + 1) if q % divisor == 0), q)
    degree, rest = 0, q
    while rest % prime == 0:
        rest //= prime
        degree += 1
    return (prime, degree) if rest == 1 else None


def next_prime_power(least: int) -> int:
    """Return the smallest prime power that is not below `least`."""
    q = max(least, 2)
    while prime_power(q) is None:
        q += 1
    return q


def field_tables(q: int) -> tuple[Table, Table]:
    """Return the addition and multiplication tables of the field with q elements: i stands for the polynomial of its digits."""
    shape = prime_power(q)
    if shape is None:
        raise ValueError(f"there is no field of {q} elements")
    prime, degree = shape
    digits = [_digits(element, prime, degree) for element in range(q)]
    modulus = _irreducible(prime, degree)
    add = [[_number([(a + b) % prime for a, b in zip(x, y, strict=True)], prime) for y in digits] for x in digits]
    multiply = [[_number(_reduced(_times(x, y, prime), modulus, prime, degree), prime) for y in digits] for x in digits]
    return add, multiply


def orthogonal_array(q: int) -> Table:
    """Return the q^2 rows over q symbols in whose q + 1 columns every two take each pair once.

    The first q rows are constant but for the last column (K. A. Bush, "Orthogonal arrays of index unity", Ann. Math. Stat. 23,
    1952).
    """
    add, multiply = field_tables(q)
    return [[add[multiply[i][m]][j] for m in range(q)] + [i] for i in range(q) for j in range(q)]


def product_array(q: int, columns: int) -> Table:
    """Return rows over q symbols in which every two of at least `columns` columns take all pairs, q^2 + r(q^2 - q) rows for up to
    q^(r+1) + q^r + ... + 1 columns (A. Williams, "Determination of test configurations for pair-wise interaction coverage",
    TestCom 2000)."""
    base = orthogonal_array(q)
    rows = base
    while len(rows[0]) < columns:
        width = len(rows[0])
        rows = [row * q + [0] for row in rows] + [
            [row[group] for group in range(q) for _ in range(width)] + [row[q]] for row in base[q:]
        ]
    return rows


def _digits(number: int, prime: int, degree: int) -> list[int]:
    return [number // prime**place % prime for place in range(degree)]


def _number(digits: list[int], prime: int) -> int:
    return sum(digit * prime**place for place, digit in enumerate(digits))


def _times(x: list[int], y: list[int], prime: int) -> list[int]:
    result = [0] * (len(x) + len(y) - 1)
    for i, a in enumerate(x):
        for j, b in enumerate(y):
            result[i + j] = (result[i + j] + a * b) % prime
    return result


def _reduced(polynomial: list[int], modulus: list[int], prime: int, degree: int) -> list[int]:
    """Return the remainder modulo a monic polynomial of this degree, given by its lower coefficients."""
    rest = list(polynomial)
    for place in range(len(rest) - 1, degree - 1, -1):
        factor, rest[place] = rest[place], 0
        for offset, coefficient in enumerate(modulus):
            rest[place - degree + offset] = (rest[place - degree + offset] - factor * coefficient) % prime
    return (rest + [0] * degree)[:degree]


def _irreducible(prime: int, degree: int) -> list[int]:
    """Return the lower coefficients of a monic polynomial that no two smaller ones multiply to."""
    if degree == 1:
        return [0]
    reducible = set()
    for low in range(1, degree // 2 + 1):
        for first in product(range(prime), repeat=low):
            for second in product(range(prime), repeat=degree - low):
                whole = _times([*first, 1], [*second, 1], prime)
                reducible.add(tuple(whole[:degree]))
    return list(next(lower for lower in product(range(prime), repeat=degree) if lower not in reducible))
