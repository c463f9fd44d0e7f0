"""Weights, gains, the offset and initial states, with profile intervals, in the data's units."""

from typing import Final, NamedTuple

import numpy as np

from service.engine.fit.problem import Sequences
from service.engine.fit.uncertainty import Region
from service.engine.types import Array

UNBOUNDED: Final = -np.inf, np.inf


class Parameters(NamedTuple):
    """All unknowns except w_rec: rows of a value and the ends of its interval.

    There is one initial state per sequence (nan without targets), or one for all sequences. A
    parameter that is not fitted is None.
    """

    w_in: Array  # (q, 3)
    steady_state_gains: Array  # (q, 3)
    offset: Array | None  # (3,)
    initial_states: Array | None  # (n, 3) or (1, 3)


def estimate_parameters(region: Region) -> Parameters:
    """Return all unknowns except w_rec."""
    problem, w = region.problem, float(region.best.w[0])
    n_inputs, has_offset = len(problem.input_units), problem.options.offset
    # The offset beside an unknown start is beta / (1 - w), as a gain is w_in / (1 - w).
    is_summed = np.repeat(
        [False, True, problem.has_unknown_start], [n_inputs, n_inputs, has_offset]
    )
    weights = np.eye(n_inputs + has_offset, problem.n_columns + 1)
    factors = np.concatenate([weights[:n_inputs], weights])

    def quantity(w: Array, _: Sequences) -> tuple[Array, Array]:
        return factors, 1.0 / (1.0 - w * is_summed)

    numbers = problem.unit * region.estimate(quantity, problem.sequences[:1])[:, 0].T
    w_in, gains, offset = np.split(numbers, [n_inputs, 2 * n_inputs])
    w_in, gains = (rows / problem.input_units[:, None] for rows in (w_in, gains))
    if region.pieces[0].low < -1.0 or region.pieces[-1].high > 1.0:
        gains[:, 1:] = UNBOUNDED
    if abs(w) >= 1.0:
        gains[:, 0] = np.nan
    if problem.has_unknown_start and region.surrounds(1.0):
        offset[:, 1:] = UNBOUNDED
    states = _estimate_states(region) if problem.has_unknown_start else None
    return Parameters(w_in, gains, offset[0] + problem.center if has_offset else None, states)


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, has_offset = region.problem, region.problem.options.offset

    def quantity(w: Array, sequences: Sequences) -> tuple[Array, Array]:
        power = np.argmax(sequences.sources[..., -1], axis=1)[:, None] + 1.0
        gap = 1.0 - w * has_offset
        factors = np.zeros((len(w), len(power), 1, problem.n_columns + 1))
        factors[..., -2] = gap
        if has_offset:
            factors[..., -3] = -(w**power)
        return factors, w**-power / gap

    has_each = problem.options.initial_state == "each"
    own = problem.sequences[: None if has_each else 1]
    states = problem.unit * region.estimate(quantity, own)[:, :, 0].T
    if region.surrounds(0.0) or (has_offset and region.surrounds(1.0)):
        states[:, 1:] = UNBOUNDED
    if has_each:
        states[~own.has_target.any(axis=1)] = np.nan
    return states
