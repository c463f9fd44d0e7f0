"""The search for all minima of a function of w_rec, and for its level sets."""

from service.engine.profile.evaluation import Evaluation
from service.engine.profile.grid import make_grid
from service.engine.profile.roots import find_roots
from service.engine.profile.search import Interval, Profile, refine, search

__all__ = ["Evaluation", "Interval", "Profile", "find_roots", "make_grid", "refine", "search"]
