"""The columns of the linear problems: their weights are all unknowns except the poles.

An input weight is that of the filtered input, the offset that of ones, and an initial state that of
the response to an impulse at the first target. With an unknown initial state, the offset is the
weight of a filtered constant: b = beta / (1 - w) has a pole at w = 1, and beta has none.

An input that acts on several states has the columns of a cascade, c_1 = R(w_1) x and
c_k = R(w_k) z c_(k-1), where R(w) is the recurrence and z a delay of one step. They span the
responses R(w_k) x, and are independent also at equal poles.
"""

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from service.engine.fit.model.recurrence import delay, recur
from service.engine.fit.model.sequences import Sequences
from service.engine.types import Array

if TYPE_CHECKING:  # it has a rank
    from service.engine.fit.model.problem import FitProblem


def respond(problem: "FitProblem", poles: NDArray[Any], sources: Array) -> NDArray[Any]:
    """Return a column per unknown, and minus the effects of what is given, at all steps.

    Parameters
    ----------
    problem
        The unknowns.
    poles : (W, K)
        May be complex.
    sources : (N, T, q + 2 + b)
        Those of `Sequences`.

    Returns
    -------
    columns : (W, N, T, n + 1)
        In the order of `FitProblem.columns`.
    """
    return assemble(problem, poles, _cascade(problem, poles, sources))


def respond_at_targets(
    problem: "FitProblem", poles: NDArray[Any], sequences: Sequences
) -> NDArray[Any]:
    """Return the columns of `respond` and the rest of the targets, at n targets.

    They are divided by the sizes of the errors.

    Parameters
    ----------
    problem
        The unknowns.
    poles : (W, K)
        May be complex.
    sequences
        In the units of the problem.

    Returns
    -------
    rows : (W, n, m + 1)
        In the order of `FitProblem.columns`, with m columns.
    """
    columns = np.moveaxis(respond(problem, poles, sequences.sources), 3, 1)
    rows = np.swapaxes(columns[:, :, sequences.has_target], 1, 2)
    rows[..., problem.columns.rest] += sequences.targets[sequences.has_target][:, None]
    rows /= sequences.scales
    return rows


def assemble(
    problem: "FitProblem", poles: NDArray[Any], chains: list[list[NDArray[Any]]]
) -> NDArray[Any]:
    """Return the columns of `respond` from the cascades of all sources.

    Parameters
    ----------
    problem
        The unknowns.
    poles : (W, K)
        May be complex.
    chains
        The responses (W, N, T) of each source, one for each of its states in turn. They are
        changed.

    Returns
    -------
    columns : (W, N, T, n + 1)
        In the order of `FitProblem.columns`.
    """
    order = problem.sequences.columns
    given = _respond_to_given(problem, poles, chains)
    for i in np.flatnonzero(~problem.is_free).tolist():
        chains[order.inputs.start + i] = _balance(problem, poles, i, chains[order.inputs.start + i])
    chains[order.offset.start] = chains[order.offset.start][-1:]
    is_used = [
        problem.has_unknown_start,
        *[True] * len(problem.is_free),
        problem.has_offset,
        *[True] * problem.n_baselines,
    ]
    if problem.has_own_offsets:  # what belongs to single sequences comes first
        chains.insert(0, chains.pop(order.offset.start))
        is_used.insert(0, is_used.pop(order.offset.start))
    columns = [column for chain in itertools.compress(chains, is_used) for column in chain]
    # In memory, the steps of a column are next to each other: numpy works fastest along them.
    return np.moveaxis(np.stack([*columns, -given], axis=1), 1, 3)


def _cascade(
    problem: "FitProblem", poles: NDArray[Any], sources: Array
) -> list[list[NDArray[Any]]]:
    """Return the responses (W, N, T) of each source: one for each of its states in turn."""
    chains: list[list[NDArray[Any]]] = [[] for _ in problem.states_of_sources]
    for states in dict.fromkeys(problem.states_of_sources):
        members = [i for i, each in enumerate(problem.states_of_sources) if each == states]
        selected = sources[..., members]
        chain = [np.broadcast_to(selected, (len(poles), *selected.shape))]
        for k, state in enumerate(states):
            before = delay(chain[-1]) if k else chain.pop()
            pairs = zip(poles[:, state], before, strict=True)
            chain.append(np.stack([recur(pole, x) for pole, x in pairs]))
        for i, member in enumerate(members):
            chains[member] = [response[..., i] for response in chain]
    return chains


def _balance(
    problem: "FitProblem", poles: NDArray[Any], i: int, chain: list[NDArray[Any]]
) -> list[NDArray[Any]]:
    """Return the columns of an input with a given gain, which have a gain of 0."""
    columns = []
    factor = np.ones((len(poles), 1, 1))
    for state, response in zip(problem.states_of_inputs[i][1:], chain[1:], strict=True):
        factor = factor * (1.0 - poles[:, state, None, None])
        columns.append(factor * response - chain[0])
    return columns


def _respond_to_given(
    problem: "FitProblem", poles: NDArray[Any], chains: list[list[NDArray[Any]]]
) -> NDArray[Any]:
    """Return the effects (W, N, T) of a given initial state and given gains."""
    # An S_0 contributes S_0 w^k, and the response to an impulse at the first step is w^(k-1).
    effect = problem.start * poles[:, :1, None] * chains[0][0]
    if not problem.options.gains:
        return np.asarray(effect)
    first = np.stack([chain[0] for chain in chains[problem.sequences.columns.inputs]], axis=3)
    for state in range(problem.n_states):
        is_first = np.array([state in each[:1] for each in problem.states_of_inputs])
        gap = 1.0 - poles[:, state, None, None]
        effect = effect + gap * (first @ (problem.given_gains * is_first))
    return np.asarray(effect + first @ (problem.given_gains * problem.is_direct))
