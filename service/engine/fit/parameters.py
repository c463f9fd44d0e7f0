"""Weights, gains, the offset and initial states, with profile intervals, in the data's units."""

from typing import NamedTuple

import numpy as np

from service.engine.fit.sequences import Sequences
from service.engine.fit.uncertainty import Region
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


def estimate_parameters(region: Region) -> Parameters:
    """Return all unknowns except w_rec."""
    problem, best = region.problem, region.best
    n_inputs, n_weights = len(problem.input_units), best.theta.shape[1] + problem.has_own_starts

    def estimate(start: int, stop: int, *, is_summed: bool, poles: tuple[float, ...] = ()) -> Array:
        # The weights of the inputs come first, then that of the offset; all sequences share them.
        factors = np.eye(n_weights)[start:stop]

        def quantity(w: Array, _: Sequences) -> tuple[Array, Array]:
            return factors, 1.0 / (1.0 - w * is_summed)

        return problem.unit * region.estimate(quantity, problem.sequences[:1], poles)[:, 0].T

    w_in, gains = (
        estimate(0, n_inputs, is_summed=is_summed) / problem.input_units[:, None]
        for is_summed in (False, True)
    )
    if region.pieces[0].low < -1.0 or region.pieces[-1].high > 1.0:
        gains[:, 1:] = -np.inf, np.inf
    if abs(best.w[0]) >= 1.0:
        gains[:, 0] = np.nan
    offset, has_start = None, problem.has_unknown_start
    if problem.options.offset:
        # Beside an unknown start it is beta / (1 - w).
        poles = (1.0,) * has_start
        (offset,) = estimate(n_inputs, n_inputs + 1, is_summed=has_start, poles=poles)
        offset += problem.center
    return Parameters(w_in, gains, offset, _estimate_states(region) if has_start else None)


def _estimate_states(region: Region) -> Array:
    """Return the states S_0 = a / w^(k + 1) - beta / (1 - w) (N, 3), for an impulse a at step k."""
    problem, sequences = region.problem, region.problem.sequences
    has_offset, n_weights = (
        problem.options.offset,
        len(problem.input_units) + problem.options.offset,
    )

    def quantity(w: Array, sequences: Sequences) -> tuple[Array, Array]:
        power = sequences.origin[:, None] + 1.0
        gap = 1.0 - w if has_offset else np.ones_like(w)
        factors = np.zeros((len(w), len(power), 1, n_weights + 2))
        factors[..., -2] = gap
        if has_offset:
            factors[..., -3] = -(w**power)
        return factors, w**-power / gap

    own = sequences if problem.options.initial_state == "each" else sequences[:1]
    poles = (0.0, 1.0) if has_offset else (0.0,)
    states = problem.unit * region.estimate(quantity, own, poles)[:, :, 0].T
    states[~own.has_target.any(axis=1)] = np.nan
    return states
