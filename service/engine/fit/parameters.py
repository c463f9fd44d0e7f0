"""Weights, gains, the offset and initial states, with profile intervals, in the data's units."""

from typing import NamedTuple

import numpy as np

from service.engine.fit.reduced_cost import Evaluation
from service.engine.fit.sequences import Sequences
from service.engine.fit.uncertainty import Quantity, Region
from service.engine.types import Array


class Parameters(NamedTuple):
    """All unknowns except w_rec: rows of a value and the ends of its interval.

    There is one initial state per sequence (nan without targets), or one for all sequences. A
    parameter that is not fitted is None.
    """

    w_in: Array  # (q, 3)
    steady_state_gains: Array  # (q, 3)
    offset: Array | None  # (3,)
    initial_states: Array | None  # (n, 3) or (1, 3)


def estimate_parameters(region: Region, n_sequences: int) -> Parameters:
    """Return all unknowns except w_rec; the series has ``n_sequences`` sequences."""
    reduced_cost = region.reduced_cost
    problem, n_inputs = reduced_cost.problem, len(reduced_cost.input_units)
    scale = (reduced_cost.unit / reduced_cost.input_units)[:, None]
    any_sequence = reduced_cost.sequences[:1]

    def weights(start: int, stop: int, *, is_summed: bool) -> Quantity:
        # The weights of the inputs come first, then that of the offset; all sequences share them.
        factors = np.eye(len(reduced_cost.used))[start:stop]
        return lambda at, _: (factors, 0.0, 1.0 / (1.0 - at.w[:, None, None] * is_summed))

    w_in, gains = (
        region.estimate(weights(0, n_inputs, is_summed=is_summed), any_sequence)[:, 0].T * scale
        for is_summed in (False, True)
    )
    if region.pieces[0].low < -1.0 or region.pieces[-1].high > 1.0:
        gains[:, 1:] = -np.inf, np.inf
    if abs(region.best.w[0]) >= 1.0:
        gains[:, 0] = np.nan
    offset, states = None, None
    if problem.options.offset:
        # Beside an unknown start it is beta / (1 - w).
        quantity = weights(n_inputs, n_inputs + 1, is_summed=problem.has_unknown_start)
        poles = (1.0,) * problem.has_unknown_start
        offset = region.estimate(quantity, any_sequence, poles)[:, 0, 0]
        offset = reduced_cost.center + reduced_cost.unit * offset
    if problem.has_unknown_start:
        states = reduced_cost.unit * _estimate_states(region)
    if problem.options.initial_state == "each":
        fitted, states = states, np.full((n_sequences, 3), np.nan)
        states[problem.members] = fitted
    return Parameters(w_in, gains, offset, states)


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, sequences = region.reduced_cost.problem, region.reduced_cost.sequences
    has_offset = problem.options.offset

    def quantity(at: Evaluation, sequences: Sequences) -> tuple[Array, float, Array]:
        w, power = at.w[:, None, None], sequences.origin[:, None] + 1.0
        gap = 1.0 - w if has_offset else np.ones_like(w)
        factors = np.zeros((len(w), len(power), 1, len(region.reduced_cost.used)))
        factors[..., -1] = gap
        if has_offset:
            factors[..., -2] = -(w**power)
        return factors, 0.0, w**-power / gap

    own = sequences if problem.has_own_starts else sequences[:1]
    return region.estimate(quantity, own, (0.0, 1.0) if has_offset else (0.0,))[:, :, 0].T
