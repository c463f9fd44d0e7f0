"""The response of the target to one lasting unit of an input."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.engine.fit import constants
from service.engine.fit.model import FitProblem, Sequences, respond
from service.engine.fit.solve import Points, Solution, estimate, evaluate
from service.engine.types import Array

SHARES: Final = (1.0 - math.exp(-1.0), 0.95)  # a single state reaches the first after its time


class Response(NamedTuple):
    """The marks of a response, in steps after the delay; nan where they do not exist."""

    time_to_63_percent: float  # of the steady-state gain: 1 - 1/e
    time_to_95_percent: float
    peak: float  # of a response that exceeds its steady state
    peak_time: float


@np.errstate(over="ignore", invalid="ignore")  # of numbers that are infinite, or unknown
def find_responses(solution: Solution, gains: Array) -> list[Response]:
    """Return the marks of the responses to all inputs.

    Parameters
    ----------
    solution
        The fit.
    gains : (q,)
        The steady-state gains of the inputs.

    Returns
    -------
    responses
        One per input.
    """
    problem = solution.problem
    rates = [abs(w) for w in solution.poles]
    slowest = max([rate for rate in rates if rate < 1.0], default=0.0)
    times = constants.RESPONSE_TIMES / -math.log(slowest) if slowest > 0.0 else 0.0
    n_steps = int(min(times, constants.MAX_RESPONSE)) + 2 * problem.unknowns.n_states + 2

    def step_response(at: Points, sequences: Sequences) -> tuple[Array, float]:
        return respond(problem.unknowns, at.poles, sequences.sources), problem.unit

    units = _make_units(problem, n_steps)
    values = evaluate(solution, step_response, units, of_mean=problem.unknowns.has_own_gains)
    responses = []
    for i, states in enumerate(problem.unknowns.states_of_inputs):
        is_stable = all(rates[state] < 1.0 for state in states)
        is_known = is_stable and math.isfinite(gains[i]) and gains[i] != 0.0
        shares = values[i] / gains[i] if is_known else np.zeros(0)
        responses.append(_find_marks(np.concatenate([[0.0], shares]), float(gains[i])))
    return responses


def _find_marks(shares: Array, gain: float) -> Response:
    """Return the marks of a response in shares (T + 1,) of its gain, from 0 at time 0."""
    highest = int(np.argmax(shares))
    if shares[highest] > 1.0 + constants.EXPLAINED_RTOL:
        return Response(math.nan, math.nan, gain * float(shares[highest]), float(highest))
    times = []
    for share in SHARES:
        after = np.flatnonzero(shares >= share)
        if not len(after):
            times.append(math.nan)
            continue
        k = int(after[0])
        missing = 1.0 - shares[k - 1 : k + 1]
        part = 1.0
        if missing[1] > 0.0:  # it decays like an exponential
            part = math.log(missing[0] / (1.0 - share)) / math.log(missing[0] / missing[1])
        times.append(k - 1.0 + part)
    return Response(times[0], times[1], math.nan, math.nan)


class ResponseTable(NamedTuple):
    """Responses by step: columns (R,), input by input."""

    input: NDArray[np.int64]  # its number, from 0
    step: NDArray[np.int64]  # after the input has changed, from 0
    response: Array
    low: Array  # the band: the profile interval at each step
    high: Array


def tabulate_responses(solution: Solution) -> ResponseTable:
    """Return the responses to one lasting unit of each input, with their bands.

    Parameters
    ----------
    solution
        The fit.

    Returns
    -------
    ResponseTable
        Until a stable response is within 1 % of its end, but at most ten times as long as the
        longest sequence. It is 0 during the delay. Long responses are thinned.
    """
    problem = solution.problem
    n_steps = _choose_length(solution)
    n_rows = min(n_steps, constants.RESPONSE_ROWS)
    steps = np.unique(np.round(np.linspace(1, n_steps, n_rows)).astype(np.int64))

    def step_response(at: Points, sequences: Sequences) -> tuple[Array, float]:
        return respond(problem.unknowns, at.poles, sequences.sources)[:, :, steps - 1], problem.unit

    units = _make_units(problem, n_steps)
    bands = estimate(solution, step_response, units, of_mean=problem.unknowns.has_own_gains)
    before = np.arange(problem.delay + 1)
    steps = np.concatenate([before, problem.delay + steps])
    bands = np.pad(bands, ((0, 0), (0, 0), (len(before), 0)))
    n_inputs = bands.shape[1]
    numbers = np.repeat(np.arange(n_inputs), len(steps))
    return ResponseTable(numbers, np.tile(steps, n_inputs), *bands.reshape(3, -1))


def _choose_length(solution: Solution) -> int:
    """Return the number of steps of the table of responses, without the delay."""
    longest = int(solution.problem.series.lengths.max())
    slowest = max(abs(w) for w in solution.poles)
    times = float(longest) if slowest >= 1.0 else 0.0
    if 0.0 < slowest < 1.0:
        times = constants.SHOWN_TIMES / -math.log(slowest)
    n_steps = math.ceil(min(times, constants.MAX_RESPONSE, 10.0 * longest))
    return max(n_steps, constants.LEAST_STEPS)


def _make_units(problem: FitProblem, n_steps: int) -> Sequences:
    """Return a sequence (q, T) per input, in which it is 1 and all else is 0."""
    order = problem.sequences.columns
    n_inputs = len(problem.is_free)
    sources = np.zeros((n_inputs, n_steps, order.n_unknowns))
    for i, unit in enumerate(problem.input_units.tolist()):
        sources[i, :, order.inputs.start + i] = 1.0 / unit
    return Sequences(sources, np.full((n_inputs, n_steps), np.nan), np.ones(n_inputs), order)
