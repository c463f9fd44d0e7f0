"""The cost as a function of the weights."""

from service.engine.objective.base import Objective, make_objective
from service.engine.objective.by_moments import MomentObjective
from service.engine.objective.cost_surface import CostSurface, cost_surface
from service.engine.objective.normal_equations import NormalEquations
from service.engine.objective.precomputed import Precomputed

__all__ = [
    "CostSurface",
    "MomentObjective",
    "NormalEquations",
    "Objective",
    "Precomputed",
    "cost_surface",
    "make_objective",
]
