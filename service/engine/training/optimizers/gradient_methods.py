"""Optimizers that use the magnitude of the gradient."""

from math import sqrt

import numpy as np

from service.engine.training.optimizers.base import (
    Number,
    Optimizer,
    OptimizerSpec,
    Parameter,
    State,
)


def _root(x: Number) -> Number:
    """Return the square root of a number that is not negative, or element by element."""
    return np.sqrt(x) if isinstance(x, np.ndarray) else sqrt(x)


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


GRADIENT_DESCENT = OptimizerSpec(
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


MOMENTUM = OptimizerSpec(
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


RMSPROP = OptimizerSpec(
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


ADAM = OptimizerSpec(
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
