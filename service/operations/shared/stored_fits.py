"""The solution of a stored fit, without another search."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import compress
from typing import Any

from service.engine.data import Series
from service.engine.fit import FitProblem, Solution, fit, settle
from service.engine.profile import Bounds
from service.schemas.fits import FitRequest


def restore_fit(request: FitRequest, result: Mapping[str, Any], series: Series) -> Solution:
    """Return the solution of a fit from its result; raises KeyError for one of older versions.

    Parameters
    ----------
    request
        With all defaults filled in.
    result
        That in the JSON of the response, whose states are sorted by w_rec.
    series
        The data of the fit.

    Returns
    -------
    Solution
        With the w_rec and the intervals of the result.
    """
    options = request.to_options()
    if result["w_rec"] and result["initial_states"] is None:
        options = replace(options, rest=True)
    problem = FitProblem(series, options, result["delay"]["value"])
    names = problem.series.input_names
    fits_of_one = [
        {"inputs": list(compress(names, problem.unknowns.acts[0])), "w_rec": result["w_rec"]}
    ]
    states = [*(result.get("states") or fits_of_one)]
    poles, intervals = [], []
    for acts in problem.unknowns.acts:
        inputs = [*compress(names, acts)]
        state = next(each for each in states if each["inputs"] == inputs)
        states.remove(state)
        value = state["w_rec"]["value"]
        pieces = [Bounds(piece["low"], piece["high"]) for piece in state["w_rec"]["intervals"]]
        poles.append(value)
        intervals.append(pieces or [Bounds(value, value)])
    solution = Solution(problem, (poles, intervals))
    if not request.is_weighted:
        return solution
    return settle(solution) or fit(series, request.to_options()).solution
