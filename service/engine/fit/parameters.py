"""Weights, gains, the offset and initial states, with profile intervals, in the data's units."""

from typing import NamedTuple

import numpy as np

from service.engine.fit.reduced_cost import Evaluation
from service.engine.fit.uncertainty import Linear, Region
from service.engine.types import Array


class Parameters(NamedTuple):
    """All unknowns but w_rec: rows of a value and the ends of its interval.

    Attributes
    ----------
    w_in, steady_state_gains
        (q, 3)
    offset
        (3,), or None where it is not fitted.
    initial_states
        (N, 3), or (1, 3) if all sequences share it; None where it is known.
    """

    w_in: Array
    steady_state_gains: Array
    offset: Array | None
    initial_states: Array | None


def estimate_parameters(region: Region) -> Parameters:
    """Return all unknowns but w_rec, with their profile intervals."""
    reduced_cost = region.reduced_cost
    problem, n_inputs = reduced_cost.problem, len(reduced_cost.input_units)
    scale = (reduced_cost.unit / reduced_cost.input_units)[:, None]

    def select(start: int, stop: int) -> Linear:
        # The first weights are those of the inputs and of the offset, for all sequences.
        return lambda at: (np.eye(at.theta.shape[1] + reduced_cost.has_own_starts)[start:stop], 0.0)

    shared = reduced_cost.sequences[:1]
    w_in = region.estimate(select(0, n_inputs), shared)[:, 0].T
    is_unstable = region.pieces[0][0] < -1.0 or region.pieces[-1][1] > 1.0
    gains = region.estimate(select(0, n_inputs), shared, _sum_powers, has_pole=is_unstable)[:, 0].T
    if abs(region.best.w[0]) >= 1.0:
        gains[:, 0] = np.nan
    offset, states = None, None
    if problem.offset:
        # Beside an unknown start it is beta / (1 - w).
        factor = _sum_powers if problem.has_unknown_start else np.ones_like
        has_pole = problem.has_unknown_start and region.has_inside(1.0)
        linear = select(n_inputs, n_inputs + 1)
        offset = region.estimate(linear, shared, factor, has_pole=has_pole)[:, 0, 0]
        offset = reduced_cost.center + reduced_cost.unit * offset
    if problem.has_unknown_start:
        states = reduced_cost.unit * _estimate_states(region)
    return Parameters(w_in * scale, gains * scale, offset, states)


def _sum_powers(w: Array) -> Array:
    total: Array = 1.0 / (1.0 - w)
    return total


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    reduced_cost = region.reduced_cost
    has_offset = reduced_cost.problem.offset
    has_pole = region.has_inside(0.0) or (has_offset and region.has_inside(1.0))
    sequences = reduced_cost.sequences[: None if reduced_cost.has_own_starts else 1]
    states = []
    for block in sequences.blocks():
        power = np.array(sequences.origin[block, None] + 1.0, np.float64)

        def linear(at: Evaluation, power: Array = power) -> tuple[Array, Array | float]:
            w = at.w[:, None, None]
            n_unknowns = at.theta.shape[1] + reduced_cost.has_own_starts
            factors = np.zeros((len(w), len(power), 1, n_unknowns))
            factors[..., -1] = 1.0 - w if has_offset else 1.0
            if has_offset:
                factors[..., -2] = -(w**power)
            return factors, 0.0

        def factor(w: Array, power: Array = power) -> Array:
            inverse: Array = w**-power / (1.0 - w if has_offset else 1.0)
            return inverse

        numbers = region.estimate(linear, sequences[block], factor, has_pole=has_pole)
        states.append(numbers[:, :, 0].T)
    return np.concatenate(states)
