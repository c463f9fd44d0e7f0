"""The exact global minimum of the cost for the identity activation."""

from service.engine.optimum.selection import Optimum
from service.engine.optimum.solver import find_optimum

__all__ = ["Optimum", "find_optimum"]
