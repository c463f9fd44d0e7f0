"""The Levenberg-Marquardt method: damped Gauss-Newton steps that decrease the cost."""

from typing import Any, Final

import numpy as np

from service.engine.objective import NormalEquations
from service.engine.training.optimizer import (
    FloatOrArray,
    LeastSquaresOptimizer,
    OptimizerSpec,
    Parameter,
    State,
    fill_like,
    half_open,
)
from service.engine.types import Array

# Below, the damping is lost in rounding when it is added to 1. Above, steps are.
MIN_DAMPING: Final = 1e-15
MAX_DAMPING: Final = 1e15


def _levenberg_marquardt(
    damping: float, damping_up: float, damping_down: float
) -> LeastSquaresOptimizer:
    """Return the Levenberg-Marquardt method; the state is (damping,), equal for both weights.

    J contains the derivatives of the errors r with respect to both weights. Marquardt's scaling:
    the damping λ multiplies the diagonal of JᵀJ, so the step is independent of the units of the
    weights. A step that does not decrease the cost counts as an iteration, but the weights are
    unchanged. λ is at least 1e-15 and at most 1e15. There is no gradient to clip. The run diverges
    if J overflows. From (-1.5, 2) the cost is below 1e-20 after 20 iterations, and from (0.5, 0.5)
    after 19. Sequences of 300 steps require a better start: from (-1.5, 2), it reduces w_in to
    almost 0 and stalls.

    References
    ----------
    K. Levenberg, A method for the solution of certain non-linear problems in least squares,
    Quarterly of Applied Mathematics 2, 1944, pages 164-168.
    D. W. Marquardt, An algorithm for least-squares estimation of nonlinear parameters, Journal of
    the Society for Industrial and Applied Mathematics 11(2), 1963, pages 431-441.
    J. J. Moré, The Levenberg-Marquardt algorithm: implementation and theory, Numerical Analysis,
    Lecture Notes in Mathematics 630, 1978, pages 105-116.
    """

    def init(weight: FloatOrArray) -> State:
        return (fill_like(weight, damping),)

    def propose(equations: NormalEquations, state: State) -> Array:
        (s_in, s_rec), (k_in, k_rec) = equations
        extra = state[0][0]
        diagonal = 1.0 + extra
        # Its last term is the squared sine of the angle between the columns of J.
        determinant = extra * (2.0 + extra) + np.maximum(1.0 - k_in * k_rec, 0.0)
        steps = np.stack([diagonal * s_in - k_in * s_rec, diagonal * s_rec - k_rec * s_in])
        steps /= determinant
        return steps

    def update(accepted: Any, state: State) -> State:
        factor = np.where(accepted, damping_down, damping_up)
        return (np.clip(state[0] * factor, MIN_DAMPING, MAX_DAMPING),)

    return LeastSquaresOptimizer(init, propose, update)


SPECS: Final = (
    OptimizerSpec(
        name="levenberg_marquardt",
        title="Levenberg-Marquardt",
        formula="solve (JᵀJ + λ diag(JᵀJ)) d = -Jᵀr; "
        "if the cost decreases, w ← w + d and λ ← λ · damping_down, else λ ← λ · damping_up",
        parameters=(
            Parameter("damping", 0.001, "Initial λ.", minimum=MIN_DAMPING, maximum=MAX_DAMPING),
            half_open("damping_up", 3.0, 1.0, 1e6, "Factor of λ after a rejected step."),
            half_open("damping_down", 0.3, 0.0, 1.0, "Factor of λ after an accepted step."),
        ),
        build=_levenberg_marquardt,
    ),
)
