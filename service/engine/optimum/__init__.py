"""The exact global minimum of the cost for the identity activation."""

from service.engine.optimum.result import Optimum
from service.engine.optimum.solver import find_optimum
from service.engine.optimum.variable_projection import best_w_in

__all__ = ["Optimum", "best_w_in", "find_optimum"]
