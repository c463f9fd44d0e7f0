"""The cost as a function of the weights."""

from service.engine.objective.by_network import NetworkObjective
from service.engine.objective.linear_objective import LinearObjective
from service.engine.objective.normal_equations import NormalEquations
from service.engine.objective.objective import Objective, make_objective

__all__ = ["LinearObjective", "NetworkObjective", "NormalEquations", "Objective", "make_objective"]
