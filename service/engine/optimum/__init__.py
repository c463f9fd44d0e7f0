"""The exact global minimum of the cost for the identity activation."""

from service.engine.optimum.solver import Optimum, find_optimum

__all__ = ["Optimum", "find_optimum"]
