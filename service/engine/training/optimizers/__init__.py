"""Optimizers as pairs of pure functions, and the registry of them.

Most optimizers map the derivative of the cost with respect to a weight to a step of that weight:

    init(weight) -> state
    update(gradient, state) -> (step, state)

Both functions work elementwise. The gradient is a float if one network is trained, and an array of
any shape if many are trained at once. The state is a plain tuple of such numbers
(building a named tuple would take longer than the arithmetic of Rprop). A checkpoint is therefore
data, and a resumed run equals an uninterrupted one bit for bit.

A ``LeastSquaresOptimizer`` maps the linearized least-squares problem to a step of both weights,
which is accepted only if it decreases the cost.

To add an optimizer, write it and its ``OptimizerSpec`` in the module of its family and add the
spec to the module's ``SPECS``. A new family is a new module, and one more entry of ``FAMILIES``.
The request schemas, the documentation and the explorer page read ``OPTIMIZERS``.
"""

from typing import Final

from service.engine.training.optimizer import OptimizerSpec
from service.engine.training.optimizers import gradient_methods, levenberg_marquardt, rprop

__all__ = ["OPTIMIZERS"]

FAMILIES: Final = (rprop, gradient_methods, levenberg_marquardt)

OPTIMIZERS: Final[dict[str, OptimizerSpec]] = {
    spec.name: spec for family in FAMILIES for spec in family.SPECS
}
