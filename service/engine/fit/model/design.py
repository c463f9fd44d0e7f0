"""The columns of the linear problems: their weights are all unknowns except the poles.

An input weight is that of the filtered input, the offset that of ones, and an initial state that of
the response to an impulse at the first target. With an unknown initial state, the offset is the
weight of a filtered constant: b = beta / (1 - w) has a pole at w = 1, and beta has none.

A source that acts on several states has the responses of a cascade, c_1 = R(w_1) x and
c_k = R(w_k) z c_(k-1), where R(w) is the recurrence and z a delay of one step. They span the
responses R(w_k) x, and are independent also at equal poles. The slope of c_j with respect to w_k is
R(w_k) z c_j for all j from k on, since all R commute.

A column is a combination of responses, whose factors depend on the poles where a gain or the start
is given.
"""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model.recurrence import delay, substitute
from service.engine.fit.model.sequences import Sequences
from service.engine.fit.model.unknowns import Unknowns
from service.engine.types import Array


def respond(unknowns: Unknowns, poles: NDArray[Any], sources: Array) -> NDArray[Any]:
    """Return a column per unknown, and minus the effects of what is given, at all steps.

    Parameters
    ----------
    unknowns
        The unknowns.
    poles : (W, K)
        May be complex.
    sources : (N, T, q + 2 + b)
        Those of `Sequences`.

    Returns
    -------
    columns : (W, N, T, n + 1)
        In the order of `Unknowns.columns`.
    """
    responses = []
    for states, members in unknowns.groups.items():
        of_members = np.moveaxis(sources[..., members], 2, 0)
        if states:
            chain = np.moveaxis(_filter(poles[:, states], of_members), 3, 0)
            responses.append(
                chain.reshape(len(poles), len(states) * len(members), *sources.shape[:2])
            )
        else:
            responses.append(np.broadcast_to(of_members, (len(poles), *of_members.shape)))
    total = np.concatenate(responses, axis=1)
    factors = np.swapaxes(combine(unknowns, poles), 1, 2)
    columns = factors @ total.reshape(*total.shape[:2], sources[..., 0].size)
    return np.moveaxis(columns.reshape(*columns.shape[:2], *sources.shape[:2]), 1, 3)


class Responses:
    """The columns and the rest of the targets at n targets, for W places of K poles.

    Parameters
    ----------
    unknowns
        The unknowns.
    poles : (W, K)
        May be complex, without slopes.
    sequences
        In the units of the fit.
    """

    def __init__(self, unknowns: Unknowns, poles: NDArray[Any], sequences: Sequences) -> None:
        self.unknowns = unknowns
        self.poles = poles
        self.sequences = sequences

    @cached_property
    def _chains(self) -> dict[tuple[int, ...], NDArray[Any]]:
        """The responses (k, m, N, W, T) of the m sources on the same k states, at all steps."""
        sources = np.moveaxis(self.sequences.sources, 2, 0)
        return {
            states: _filter(self.poles[:, states], sources[members])
            for states, members in self.unknowns.groups.items()
            if states
        }

    @cached_property
    def _at_targets(self) -> NDArray[Any]:
        """The responses (W, r, n) of all sources, in the order of `Unknowns.responses`."""
        plain = self.sequences.sources_at_targets
        parts = []
        for states, members in self.unknowns.groups.items():
            if states:
                parts.append(self._take_targets(self._chains[states]))
            else:
                parts.append(
                    np.broadcast_to(plain[members], (len(self.poles), *plain[members].shape))
                )
        return np.concatenate(parts, axis=1)

    def _take_targets(self, chain: NDArray[Any]) -> NDArray[Any]:
        """Return the values (W, k m, n) of responses (k, m, N, W, T) at the targets."""
        sequences = self.sequences
        n_states, n_sources, n_sequences, n_places, n_steps = chain.shape
        rows = chain.reshape(n_states * n_sources, n_sequences * n_places * n_steps)
        if n_sequences > 1 or not sequences.has_target.all():
            first = sequences.sequence * n_places * n_steps + sequences.step
            rows = np.take(rows, first + n_steps * np.arange(n_places)[:, None], axis=1)
        return np.swapaxes(rows.reshape(len(rows), n_places, len(sequences.step)), 0, 1)

    @cached_property
    def rows(self) -> NDArray[Any]:
        """The columns and the rest of the targets (W, n, m + 1), in the order of the unknowns.

        They are divided by the sizes of the errors.
        """
        sequences = self.sequences
        factors = np.swapaxes(combine(self.unknowns, self.poles), 1, 2)
        rows = np.swapaxes(factors @ self._at_targets, 1, 2)
        rows[..., -1] += sequences.targets[sequences.has_target]
        return self._divide(rows)

    @cached_property
    def slopes(self) -> Array:
        """The slopes (K, W, n, d) of the d moving ones of the rows with respect to each pole.

        Those of the factors are computed at w + ih.
        """
        moving = self.unknowns.moving
        factors = np.swapaxes(combine(self.unknowns, self.poles)[..., moving], 1, 2)
        slopes = []
        for state in range(self.unknowns.n_states):
            shift = constants.IMAGINARY_STEP * 1j * np.eye(self.unknowns.n_states)[state]
            of_factors = combine(self.unknowns, self.poles + shift)[..., moving].imag
            total = np.zeros((len(self.poles), len(moving), self._at_targets.shape[2]))
            if of_factors.any():
                total += np.swapaxes(of_factors / constants.IMAGINARY_STEP, 1, 2) @ self._at_targets
            for states, chain in self._chains.items():
                if state in states:
                    k = states.index(state)
                    later = delay(chain[k:], axis=-1)
                    substitute(self.poles[:, state], later)
                    first = self.unknowns.responses[self.unknowns.groups[states][0], k]
                    after = self._take_targets(later)
                    total += factors[..., first : first + after.shape[1]] @ after
            slopes.append(np.swapaxes(total, 1, 2))
        return self._divide(np.stack(slopes))

    def _divide(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Divide rows by the sizes of the errors."""
        if self.sequences.sizes is not None:
            rows /= self.sequences.scales
        return rows


def combine(unknowns: Unknowns, poles: NDArray[Any]) -> NDArray[Any]:
    """Return the factors of responses in the columns, and in minus the effects of what is given.

    Parameters
    ----------
    unknowns
        The unknowns.
    poles : (W, K)
        May be complex.

    Returns
    -------
    factors : (W, r, n + 1)
        By the places in `Unknowns.responses` and the columns; (1, r, n + 1) if nothing is given.
    """
    if unknowns.start == 0.0 and unknowns.is_free.all():
        poles = poles[:1]
    order = unknowns.columns
    places = unknowns.responses
    factors = np.zeros((len(poles), len(places), order.n_unknowns + 1), np.result_type(poles, 1.0))
    if unknowns.has_unknown_start:
        for k in range(unknowns.n_states):
            factors[:, places[0, k], order.starts.start + k] = 1.0
    # An S_0 contributes S_0 w^k, and the response to an impulse at the first step is w^(k-1).
    factors[:, places[0, 0], -1] = -unknowns.start * poles[:, 0]
    for i in range(len(unknowns.is_free)):
        _combine_input(unknowns, poles, i, factors)
    offset = 1 + len(unknowns.is_free)
    if unknowns.has_offset:
        last = max(len(unknowns.states_of_sources[offset]), 1) - 1
        factors[:, places[offset, last], order.offset.start] = 1.0
    for k in range(order.n_baselines):
        factors[:, places[offset + 1 + k, 0], order.baselines.start + k] = 1.0
    return factors


def _combine_input(unknowns: Unknowns, poles: NDArray[Any], i: int, factors: NDArray[Any]) -> None:
    """Write the factors of the responses to an input; the columns of a given gain have none."""
    places = unknowns.responses
    states = unknowns.states_of_inputs[i]
    first = unknowns.columns.inputs.start
    columns = [first + k for k in unknowns.columns_of_inputs[i]]
    if unknowns.is_free[i]:
        for k, column in enumerate(columns):
            factors[:, places[1 + i, k], column] = 1.0
        return
    gain = unknowns.given_gains[i]
    factors[:, places[1 + i, 0], -1] = -gain * (1.0 - poles[:, states[0]]) if states else -gain
    product = np.ones(len(poles), poles.dtype)
    for k, column in enumerate(columns, start=1):
        product = product * (1.0 - poles[:, states[k]])
        factors[:, places[1 + i, k], column] = product
        factors[:, places[1 + i, 0], column] = -1.0


def _filter(poles: NDArray[Any], sources: Array) -> NDArray[Any]:
    """Return the cascades (k, m, N, W, T) of sources (m, N, T) through k poles (W, k)."""
    n_places, n_states = poles.shape
    m, n_sequences, n_steps = sources.shape
    shape = (n_states, m, n_sequences, n_places, n_steps)
    chain = np.empty(shape, np.result_type(poles, sources))
    chain[0] = sources[:, :, None]
    for k in range(n_states):
        if k:
            chain[k] = delay(chain[k - 1], axis=-1)
        substitute(poles[:, k], chain[k])
    return chain
