"""Optimizers that use the magnitude of the gradient."""

from typing import Final

from service.engine.training.optimizer import (
    FloatOrArray,
    GradientOptimizer,
    OptimizerSpec,
    Parameter,
    State,
    fill_like,
    half_open,
    square_root,
)


def _initial_zero(weight: FloatOrArray) -> State:
    return (fill_like(weight, 0.0),)


def _gradient_descent(learning_rate: float) -> GradientOptimizer:
    """Return gradient descent; its state is empty.

    torch.optim.SGD without momentum, with the gradient of all samples. It illustrates exploding
    gradients: without clipping it diverges from (-1.5, 2) in a few iterations at rates from 1e-6 on
    (at 3e-7 the cost after 500 iterations is 4.9e1), and from (0.5, 0.5) at the default rate (at
    0.001 the cost there is 5.0e-3). At (1, 1), rates above 0.0019 diverge from the optimum. With
    clipping to norm 1, the cost after 500 iterations is 7.4e-2 from (-1.5, 2) and 1.3e-2 from (0.5,
    0.5).

    References
    ----------
    A. Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées, Comptes
    rendus de l'Académie des sciences 25, 1847, pages 536-538.
    """

    def update(gradient: FloatOrArray, state: State) -> tuple[FloatOrArray, State]:
        return -learning_rate * gradient, state

    return GradientOptimizer(lambda _: (), update)


def _momentum(learning_rate: float, momentum: float, nesterov: bool) -> GradientOptimizer:
    """Return gradient descent with momentum; the state is (velocity,).

    torch.optim.SGD with momentum and without dampening: the first velocity is the gradient, and
    the learning rate multiplies the velocity, not the gradients that it sums. With nesterov, the
    step is along g + μ v, where v is the new velocity. This is Nesterov's method, expressed in the
    weights at which it computes the gradient. By default, and without clipping, the run diverges
    from (-1.5, 2), and from (0.5, 0.5) at the default rate (at 0.001 the cost there after 500
    iterations is 3.9e-10). With clipping to norm 1, the cost after 500 iterations is 7.6e-4
    from (-1.5, 2) and 4.6e-2 from (0.5, 0.5).

    References
    ----------
    B. T. Polyak, Some methods of speeding up the convergence of iteration methods, USSR
    Computational Mathematics and Mathematical Physics 4(5), 1964, pages 1-17.
    Y. Nesterov, A method of solving a convex programming problem with convergence rate O(1/k²),
    Soviet Mathematics Doklady 27, 1983, pages 372-376.
    I. Sutskever, J. Martens, G. Dahl and G. Hinton, On the importance of initialization and
    momentum in deep learning, ICML 2013, section 2.
    Y. Bengio, N. Boulanger-Lewandowski and R. Pascanu, Advances in optimizing recurrent networks,
    ICASSP 2013, section Simplified Nesterov momentum, for the form with g + μ v.
    PyTorch documentation, torch.optim.SGD, for the variant.
    """

    def update(gradient: FloatOrArray, state: State) -> tuple[FloatOrArray, State]:
        velocity = momentum * state[0] + gradient
        direction = gradient + momentum * velocity if nesterov else velocity
        return -learning_rate * direction, (velocity,)

    return GradientOptimizer(_initial_zero, update)


def _rmsprop(learning_rate: float, alpha: float, epsilon: float) -> GradientOptimizer:
    """Return RMSprop; the state is (running mean of squared gradients,).

    torch.optim.RMSprop, not centered and without momentum: ε is outside the root, and v starts at
    0 without bias correction. alpha is 0.9 as in the lecture; PyTorch's 0.99 averages the first
    huge gradients for longer, which makes the steps small (cost 313 from (-1.5, 2)). The steps have
    about the same size, so the weights finally oscillate around the minimum: over the last 100 of
    500 iterations the cost is below 0.16 from (-1.5, 2) and below 0.0201 from (0.5, 0.5); with
    clipping to norm 1 it is below 0.08 from both. The oscillation is chaotic: the last digits
    depend on rounding.

    References
    ----------
    T. Tieleman and G. Hinton, Neural networks for machine learning, lecture 6.5, Coursera, 2012.
    PyTorch documentation, torch.optim.RMSprop, for the place of epsilon.
    """

    def update(gradient: FloatOrArray, state: State) -> tuple[FloatOrArray, State]:
        mean_square = alpha * state[0] + (1.0 - alpha) * gradient * gradient
        step = -learning_rate * gradient / (square_root(mean_square) + epsilon)
        return step, (mean_square,)

    return GradientOptimizer(_initial_zero, update)


def _adam(learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> GradientOptimizer:
    """Return Adam; the state after k iterations is (mean, mean square, β₁ᵏ, β₂ᵏ).

    torch.optim.Adam without weight decay: both means are corrected for their start at 0, and ε is
    outside the root and not scaled. The long average of squared gradients matters: from (-1.5, 2)
    the first gradients, about 1e6, slow down every later step, and the cost after 500 iterations is
    1.5e3; with clipping to norm 1 it is 2.4e-15. From (0.5, 0.5) the cost is 2.7e-5, and 2.9e-12 at
    a rate of 0.05.

    References
    ----------
    D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.
    """

    def init(weight: FloatOrArray) -> State:
        # Powers instead of k: a product per iteration gives the same bits for floats and arrays.
        zero = fill_like(weight, 0.0)
        one = fill_like(weight, 1.0)
        return zero, zero, one, one

    def update(gradient: FloatOrArray, state: State) -> tuple[FloatOrArray, State]:
        mean, mean_square, power_1, power_2 = state
        mean = beta_1 * mean + (1.0 - beta_1) * gradient
        mean_square = beta_2 * mean_square + (1.0 - beta_2) * gradient * gradient
        power_1 = beta_1 * power_1
        power_2 = beta_2 * power_2
        scale = square_root(mean_square) / square_root(1.0 - power_2) + epsilon
        step = -learning_rate / (1.0 - power_1) * (mean / scale)
        return step, (mean, mean_square, power_1, power_2)

    return GradientOptimizer(init, update)


def _learning_rate(default: float) -> Parameter:
    return half_open("learning_rate", default, 0.0, 100.0, "Factor of every step.")


def _decay_rate(name: str, default: float, average: str) -> Parameter:
    description = f"Fraction of the {average} that remains after an iteration."
    return Parameter(name, default, description, minimum=0.0, exclusive_maximum=1.0)


EPSILON: Final = half_open("epsilon", 1e-8, 0.0, 1.0, "Term that makes the denominator positive.")

SPECS: Final = (
    OptimizerSpec(
        name="gradient_descent",
        title="Gradient descent",
        formula="w ← w - η g",
        parameters=(_learning_rate(0.01),),
        build=_gradient_descent,
    ),
    OptimizerSpec(
        name="momentum",
        title="Momentum",
        formula="v ← μ v + g; w ← w - η v, or w ← w - η (g + μ v) with Nesterov",
        parameters=(
            _learning_rate(0.003),
            _decay_rate("momentum", 0.9, "velocity"),
            Parameter("nesterov", False, "Step along g + μ v instead of v.", type="boolean"),
        ),
        build=_momentum,
    ),
    OptimizerSpec(
        name="rmsprop",
        title="RMSprop",
        formula="v ← alpha v + (1 - alpha) g²; w ← w - η g / (√v + ε)",
        parameters=(_learning_rate(0.01), _decay_rate("alpha", 0.9, "mean square"), EPSILON),
        build=_rmsprop,
    ),
    OptimizerSpec(
        name="adam",
        title="Adam",
        formula="m ← β₁ m + (1 - β₁) g; v ← β₂ v + (1 - β₂) g²; "
        "w ← w - η (m / (1 - β₁ᵏ)) / (√(v / (1 - β₂ᵏ)) + ε) at iteration k = 1, 2, …",
        parameters=(
            _learning_rate(0.01),
            _decay_rate("beta_1", 0.9, "mean"),
            _decay_rate("beta_2", 0.999, "mean square"),
            EPSILON,
        ),
        build=_adam,
    ),
)
