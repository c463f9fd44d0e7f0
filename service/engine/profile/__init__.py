"""The search for all minima of a function of w_rec, and for its level sets."""

from service.engine.profile.points import find_bracketed_roots, make_grid
from service.engine.profile.search import (
    Bounds,
    Evaluation,
    Profile,
    find_minima,
    search,
)

__all__ = [
    "Bounds",
    "Evaluation",
    "Profile",
    "find_bracketed_roots",
    "find_minima",
    "make_grid",
    "search",
]
