"""The search for all minima of a function of w_rec, and for its level sets."""

from service.engine.profile.points import find_roots, make_grid
from service.engine.profile.search import Evaluation, Interval, Profile, refine, search

__all__ = ["Evaluation", "Interval", "Profile", "find_roots", "make_grid", "refine", "search"]
