"""The response of the target to one lasting unit of an input."""

import math
from typing import Final, NamedTuple

import numpy as np

from service.engine.fit import constants
from service.engine.fit.solution import Solution
from service.engine.types import Array

SHARES: Final = (1.0 - math.exp(-1.0), 0.95)  # a single state reaches the first after its time


class Response(NamedTuple):
    """The marks of a response, in steps; nan where they do not exist."""

    time_to_63_percent: float  # of the steady-state gain: 1 - 1/e
    time_to_95_percent: float
    peak: float  # of a response that exceeds its steady state
    peak_time: float


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
    n_steps = int(min(times, constants.MAX_RESPONSE)) + 2 * problem.n_states + 2
    order = problem.sequences.columns
    sources = np.zeros((len(gains), n_steps, order.n_unknowns))
    for i, unit in enumerate(problem.input_units.tolist()):
        sources[i, :, order.inputs.start + i] = 1.0 / unit
    columns = problem.respond(solution.best.poles, sources)[0]
    values = columns[..., problem.n_starts_per_sequence :] @ solution.best.theta[0] * problem.unit
    responses = []
    for i, states in enumerate(problem.states_of_inputs):
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
