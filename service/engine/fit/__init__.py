"""Least-squares fits of first-order recurrences, by a search over w_rec.

It has five packages, each of which imports only those before it:

- `model`, what is fitted: `options`, `problem` (data and unknowns), `design` (columns)
- `solve`, the search: `linear`, `criterion` (a function of w_rec), `solution` (its minima and the
  interval; of several poles, `scan` and `several`), `linearization`, `estimates`, `reweighting`
- `judge`, the verdict: `structures`, `larger`, `effects`, `checks`, `evidence`, `rules`, `verdict`
- `answer`: `result`, `predictions`, `plans`, `responses`, `contributions`
- `words`, the sentences about a fit: `texts`, `quantities`
"""

from service.engine.fit.answer import (
    Contributions,
    Difference,
    Goal,
    Prediction,
    Reached,
    Response,
    ResponseTable,
    Result,
    Unsettled,
    decompose,
    find_input,
    fit,
    list_stages,
    predict,
    subtract_plans,
    tabulate_responses,
)
from service.engine.fit.constants import FEW_TARGETS
from service.engine.fit.judge import (
    RULES,
    Alternative,
    Effect,
    Evidence,
    Family,
    Finding,
    Joint,
    Residuals,
    Rule,
    Verdict,
    find_change_at_once,
    find_season,
    is_drift,
    prefers_own_levels,
)
from service.engine.fit.model import FitOptions, FitProblem
from service.engine.fit.solve import Points, Solution, estimate_parameters, scan, settle
from service.engine.fit.words import (
    TEXTS,
    Range,
    attach_unit,
    capitalize,
    format_p,
    format_ranges,
    format_time,
    format_value,
    format_weight,
    name_detected,
    split_unit,
)

__all__ = [
    "FEW_TARGETS",
    "RULES",
    "TEXTS",
    "Alternative",
    "Contributions",
    "Difference",
    "Effect",
    "Evidence",
    "Family",
    "Finding",
    "FitOptions",
    "FitProblem",
    "Goal",
    "Joint",
    "Points",
    "Prediction",
    "Range",
    "Reached",
    "Residuals",
    "Response",
    "ResponseTable",
    "Result",
    "Rule",
    "Solution",
    "Unsettled",
    "Verdict",
    "attach_unit",
    "capitalize",
    "decompose",
    "estimate_parameters",
    "find_change_at_once",
    "find_input",
    "find_season",
    "fit",
    "format_p",
    "format_ranges",
    "format_time",
    "format_value",
    "format_weight",
    "is_drift",
    "list_stages",
    "name_detected",
    "predict",
    "prefers_own_levels",
    "scan",
    "settle",
    "split_unit",
    "subtract_plans",
    "tabulate_responses",
]
