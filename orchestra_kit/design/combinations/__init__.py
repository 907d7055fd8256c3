"""Combinations of values: as few rows as can be in which every two values meet."""

from .bounds import pairwise_lower_bound
from .covering import pairwise
from .inclusive import inclusive_rows, least_binary_rows

__all__ = ["inclusive_rows", "least_binary_rows", "pairwise", "pairwise_lower_bound"]
