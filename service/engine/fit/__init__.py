"""Least-squares fits of first-order recurrences, by a search over w_rec.

To read: `options`, `problem` (data and unknowns), `design` (columns), `linear`, `criterion` (a
function of w_rec), `solution` (its minima and the interval; of several poles, `scan` and
`several`), `linearization`, `estimates`, `predictions` and `reweighting`, then the verdict:
`residuals`, `checks`, `differences`, `structures`, `late_effects`, `plausibility`, `larger`,
`effects` and `verdict`, and `result`. `responses` and `contributions` describe the effects.
"""

from service.engine.fit.checks import Finding
from service.engine.fit.constants import FEW_TARGETS
from service.engine.fit.contributions import Contributions, decompose
from service.engine.fit.effects import Effect
from service.engine.fit.larger import find_season
from service.engine.fit.options import FitOptions
from service.engine.fit.plausibility import is_drift
from service.engine.fit.predictions import Prediction, predict
from service.engine.fit.problem import FitProblem
from service.engine.fit.responses import Response, ResponseTable, tabulate_responses
from service.engine.fit.result import Result, Unsettled, fit, list_stages
from service.engine.fit.reweighting import settle
from service.engine.fit.scan import scan
from service.engine.fit.solution import Solution

__all__ = [
    "FEW_TARGETS",
    "Contributions",
    "Effect",
    "Finding",
    "FitOptions",
    "FitProblem",
    "Prediction",
    "Response",
    "ResponseTable",
    "Result",
    "Solution",
    "Unsettled",
    "decompose",
    "find_season",
    "fit",
    "is_drift",
    "list_stages",
    "predict",
    "scan",
    "settle",
    "tabulate_responses",
]
