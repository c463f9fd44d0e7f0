"""The search for all minima of a function of w_rec, and for its level sets."""

from service.engine.profile.evaluation import Evaluation
from service.engine.profile.grid import make_grid
from service.engine.profile.search import Interval, Profile, search

__all__ = ["Evaluation", "Interval", "Profile", "make_grid", "search"]
