"""Optimizers as pure pairs of functions, and the registry of them.

An optimizer turns the gradient by a weight into a step of that weight. Each is a pair

    init(weight) -> state
    update(gradient, state) -> (step, state)

of pure functions that work element by element: the gradient is one float where one network is
trained, or an array of any shape where many are trained at once. The state is a plain tuple of
such numbers (building a named one would take longer than Rprop's arithmetic), so a checkpoint is
data and a resumed run equals an unbroken one bit for bit.

A new optimizer is written here and named in ``OPTIMIZERS``, and nowhere else.
"""

from math import sqrt
from typing import Any

import numpy as np

from service.engine.optimizer import Number, Optimizer, OptimizerKind, Parameter, State

__all__ = ["OPTIMIZERS", "Number", "Optimizer", "OptimizerKind", "Parameter", "State"]

# Rprop's steps grow on while a gradient is exactly zero; not beyond this, so that a run may
# stand in an optimum for as long as it likes.
RESTING_STEP = 1e300


def _picked(condition: Any, yes: float, no: float) -> Any:
    """Return ``np.where(condition, yes, no)``, three times as fast."""
    return np.array([no, yes]).take(condition.view(np.int8), mode="wrap")


def _root(x: Number) -> Number:
    """Return the square root of a number that is not negative, or element by element."""
    return np.sqrt(x) if isinstance(x, np.ndarray) else sqrt(x)


def _rprop(eta_plus: float, eta_minus: float, initial_step: float) -> Optimizer:
    """Remember (step size, sign of the last gradient), the sign 0 before the first."""

    def init(weight: Number) -> State:
        return initial_step + 0.0 * weight, 0.0 * weight

    def update(gradient: Number, state: State) -> tuple[Number, State]:
        step_size, previous = state
        if isinstance(gradient, float):
            if gradient > 0.0:
                step_size *= eta_plus if previous == 1.0 else eta_minus
                return -step_size, (step_size, 1.0)
            if gradient < 0.0:
                step_size *= eta_plus if previous == -1.0 else eta_minus
                return step_size, (step_size, -1.0)
            sign, step_size = gradient + 0.0, min(step_size, RESTING_STEP)
            step_size *= eta_plus if sign == previous else eta_minus
        else:
            sign = np.sign(gradient)
            if not sign.all():
                bounded = np.minimum(step_size, RESTING_STEP)
                step_size = np.where(sign == 0.0, bounded, step_size)
            step_size = step_size * _picked(sign == previous, eta_plus, eta_minus)
        return -sign * step_size, (step_size, sign)

    return Optimizer(init, update, uses_magnitude=False)


ETA_PLUS = Parameter(
    "eta_plus",
    1.2,
    "Factor of the step size while the gradient keeps its sign.",
    minimum=1.0,
    maximum=10.0,
)
ETA_MINUS = Parameter(
    "eta_minus",
    0.5,
    "Factor of the step size when the sign changes.",
    exclusive_minimum=0.0,
    maximum=1.0,
)
INITIAL_STEP = Parameter(
    "initial_step",
    0.001,
    "Step size before the first iteration.",
    exclusive_minimum=0.0,
    maximum=100.0,
)

RPROP = OptimizerKind(
    name="rprop",
    title="Rprop",
    formula="s = sign g; Δ ← Δ · (η⁺ if s = s₋₁ else η⁻); w ← w - s Δ",
    source="M. Riedmiller and H. Braun, A direct adaptive method for faster backpropagation "
    "learning: the RPROP algorithm, IEEE International Conference on Neural Networks, 1993",
    dialect="The tutorial note's: the remembered signs start at 0, so the first step is already "
    "halved; the weight moves on every iteration, also after a change of sign; step sizes have "
    "no bounds. Only signs count, so clipping changes nothing. From (-1.5, 2) the cost is 1.8e-6 "
    "after 500 iterations.",
    parameters=(ETA_PLUS, ETA_MINUS, INITIAL_STEP),
    build=_rprop,
)


def _irprop_minus(
    eta_plus: float, eta_minus: float, initial_step: float, minimum_step: float, maximum_step: float
) -> Optimizer:
    """Remember (step size, sign of the last gradient), 0 before the first and after a change."""

    def init(weight: Number) -> State:
        return initial_step + 0.0 * weight, 0.0 * weight

    def update(gradient: Number, state: State) -> tuple[Number, State]:
        step_size, previous = state
        if isinstance(gradient, float):
            sign = 1.0 if gradient > 0.0 else -1.0 if gradient < 0.0 else gradient + 0.0
            agreement = sign * previous
            if agreement > 0.0:
                step_size *= eta_plus
            elif agreement < 0.0:
                step_size *= eta_minus
                sign = 0.0
            step_size = min(max(step_size, minimum_step), maximum_step)
        else:
            sign = np.sign(gradient)
            agreement = sign * previous
            step_size = step_size * _picked(agreement > 0.0, eta_plus, 1.0)
            step_size = step_size * _picked(agreement < 0.0, eta_minus, 1.0)
            step_size = np.minimum(np.maximum(step_size, minimum_step), maximum_step)
            sign = sign * ~(agreement < 0.0)
        return -sign * step_size, (step_size, sign)

    return Optimizer(init, update, uses_magnitude=False)


IRPROP_MINUS = OptimizerKind(
    name="irprop_minus",
    title="iRprop⁻",
    formula="s = sign g; Δ ← clamp(Δ · (η⁺ if s s₋₁ > 0, η⁻ if s s₋₁ < 0, else 1), Δmin, Δmax); "
    "s ← 0 if s s₋₁ < 0; w ← w - s Δ",
    source="C. Igel and M. Hüsken, Improving the Rprop learning algorithm, Second International "
    "Symposium on Neural Computation, 2000",
    dialect="torch.optim.Rprop: the first step keeps its size; after a change of sign the weight "
    "rests for one iteration and the sign is forgotten; step sizes are bounded, by the maximum "
    "where the bounds cross. Signs are compared where PyTorch multiplies gradients, which "
    "underflows. Only signs count, so clipping changes nothing. After 500 iterations the cost "
    "is 9.2e-9 from (-1.5, 2) and 4.9e-10 from (0.5, 0.5).",
    parameters=(
        ETA_PLUS,
        ETA_MINUS,
        INITIAL_STEP,
        Parameter(
            "minimum_step", 1e-6, "No step is smaller.", exclusive_minimum=0.0, maximum=100.0
        ),
        Parameter(
            "maximum_step",
            50.0,
            "No step is larger; holds against the minimum.",
            exclusive_minimum=0.0,
            maximum=1e6,
        ),
    ),
    build=_irprop_minus,
)


def _gradient_descent(learning_rate: float) -> Optimizer:
    """Remember nothing."""

    def init(weight: Number) -> State:  # noqa: ARG001
        return ()

    def update(gradient: Number, state: State) -> tuple[Number, State]:
        return -learning_rate * gradient, state

    return Optimizer(init, update, uses_magnitude=True)


def _learning_rate(default: float) -> Parameter:
    return Parameter(
        "learning_rate", default, "Factor of every step.", exclusive_minimum=0.0, maximum=100.0
    )


GRADIENT_DESCENT = OptimizerKind(
    name="gradient_descent",
    title="Gradient descent",
    formula="w ← w - η g",
    source="A. Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées, "
    "Comptes rendus de l'Académie des sciences 25, 1847",
    dialect="torch.optim.SGD without momentum, the gradient that of all samples. Exploding "
    "gradients laid bare: unclipped it diverges from (-1.5, 2) in a few iterations at any useful "
    "rate, and from (0.5, 0.5) at this one (at 0.001 the cost there is 5.0e-3 after 500). "
    "Clipped to norm 1, 500 iterations reach 7.4e-2 from (-1.5, 2) and 1.3e-2 from (0.5, 0.5).",
    parameters=(_learning_rate(0.01),),
    build=_gradient_descent,
)


def _momentum(learning_rate: float, momentum: float, nesterov: bool) -> Optimizer:
    """Remember (velocity,): the gradients so far, each weighed down at every iteration."""

    def init(weight: Number) -> State:
        return (0.0 * weight,)

    def update(gradient: Number, state: State) -> tuple[Number, State]:
        velocity = momentum * state[0] + gradient
        ahead = gradient + momentum * velocity if nesterov else velocity
        return -learning_rate * ahead, (velocity,)

    return Optimizer(init, update, uses_magnitude=True)


MOMENTUM = OptimizerKind(
    name="momentum",
    title="Momentum",
    formula="v ← μ v + g; w ← w - η v, or w ← w - η (g + μ v) with Nesterov",
    source="B. T. Polyak, Some methods of speeding up the convergence of iteration methods, USSR "
    "Computational Mathematics and Mathematical Physics 4, 1964; for Nesterov's as given here "
    "I. Sutskever, J. Martens, G. Dahl and G. Hinton, On the importance of initialization and "
    "momentum in deep learning, ICML 2013",
    dialect="torch.optim.SGD with momentum and no dampening: the first velocity is the gradient, "
    "and the rate multiplies the velocity, not the gradients in it. Unclipped it diverges from "
    "(-1.5, 2), and from (0.5, 0.5) at this rate (at 0.001 the cost there is 3.9e-10 after 500 "
    "iterations). Clipped to norm 1, 500 iterations reach 7.6e-4 from (-1.5, 2) and 4.6e-2 from "
    "(0.5, 0.5).",
    parameters=(
        _learning_rate(0.003),
        Parameter(
            "momentum",
            0.9,
            "What is left of the velocity after an iteration.",
            minimum=0.0,
            exclusive_maximum=1.0,
        ),
        Parameter(
            "nesterov",
            False,
            "Look ahead: step by the velocity that the next iteration would start with.",
            type="boolean",
        ),
    ),
    build=_momentum,
)


EPSILON = Parameter(
    "epsilon", 1e-8, "Keeps the denominator from zero.", exclusive_minimum=0.0, maximum=1.0
)


def _rmsprop(learning_rate: float, alpha: float, epsilon: float) -> Optimizer:
    """Remember (mean square,): the running mean of squared gradients."""

    def init(weight: Number) -> State:
        return (0.0 * weight,)

    def update(gradient: Number, state: State) -> tuple[Number, State]:
        mean_square = alpha * state[0] + (1.0 - alpha) * gradient * gradient
        return -learning_rate * gradient / (_root(mean_square) + epsilon), (mean_square,)

    return Optimizer(init, update, uses_magnitude=True)


RMSPROP = OptimizerKind(
    name="rmsprop",
    title="RMSprop",
    formula="v ← alpha v + (1 - alpha) g²; w ← w - η g / (√v + ε)",
    source="T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5, "
    "Coursera, 2012",
    dialect="torch.optim.RMSprop, neither centred nor with momentum: ε outside the root, v from 0 "
    "without correction; but alpha is 0.9, as in the lecture, where PyTorch has 0.99: a longer "
    "memory of the first huge gradients holds the steps down (cost 313 from (-1.5, 2)). Steps "
    "keep about their size, so it ends hopping about the minimum: over the last 100 of 500 "
    "iterations the cost stays below 0.16 from (-1.5, 2) and at 2.0e-2 from (0.5, 0.5), below "
    "0.08 from both clipped to norm 1. The hops are chaotic: rounding decides the last digits.",
    parameters=(
        _learning_rate(0.01),
        Parameter(
            "alpha",
            0.9,
            "What is left of the mean square after an iteration.",
            minimum=0.0,
            exclusive_maximum=1.0,
        ),
        EPSILON,
    ),
    build=_rmsprop,
)


def _adam(learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> Optimizer:
    """Remember (mean, mean square, β₁ᵏ, β₂ᵏ), k the iterations done.

    The powers are kept, not k: a product at each iteration is the same for floats and arrays.
    """

    def init(weight: Number) -> State:
        zero = 0.0 * weight
        return zero, zero, 1.0 + zero, 1.0 + zero

    def update(gradient: Number, state: State) -> tuple[Number, State]:
        mean, mean_square, power_1, power_2 = state
        mean = beta_1 * mean + (1.0 - beta_1) * gradient
        mean_square = beta_2 * mean_square + (1.0 - beta_2) * gradient * gradient
        power_1, power_2 = beta_1 * power_1, beta_2 * power_2
        scale = _root(mean_square) / _root(1.0 - power_2) + epsilon
        step = -learning_rate / (1.0 - power_1) * (mean / scale)
        return step, (mean, mean_square, power_1, power_2)

    return Optimizer(init, update, uses_magnitude=True)


ADAM = OptimizerKind(
    name="adam",
    title="Adam",
    formula="m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; "
    "w ← w - η (m / (1 - β₁ᵏ)) / (√(v / (1 - β₂ᵏ)) + ε) at iteration k = 1, 2, …",
    source="D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015",
    dialect="torch.optim.Adam without weight decay: both means corrected for their start at 0, ε "
    "outside the root and not scaled. The long memory of squares shows: from (-1.5, 2) the first "
    "gradients of some 1e6 brake every later step, and 500 iterations end at a cost of 1.5e3; "
    "clipped to norm 1 they end at 2.4e-15. From (0.5, 0.5) the cost is 2.7e-5, and 2.9e-12 at a "
    "rate of 0.05.",
    parameters=(
        _learning_rate(0.01),
        Parameter(
            "beta_1",
            0.9,
            "What is left of the mean after an iteration.",
            minimum=0.0,
            exclusive_maximum=1.0,
        ),
        Parameter(
            "beta_2",
            0.999,
            "What is left of the mean square after an iteration.",
            minimum=0.0,
            exclusive_maximum=1.0,
        ),
        EPSILON,
    ),
    build=_adam,
)

OPTIMIZERS: dict[str, OptimizerKind] = {
    kind.name: kind for kind in (RPROP, IRPROP_MINUS, GRADIENT_DESCENT, MOMENTUM, RMSPROP, ADAM)
}
