"""The answer of a fit: its result, predictions, responses and contributions."""

from service.engine.fit.answer.contributions import Contributions, decompose
from service.engine.fit.answer.plans import (
    Difference,
    Goal,
    Reached,
    find_input,
    subtract_plans,
)
from service.engine.fit.answer.predictions import Prediction, predict
from service.engine.fit.answer.responses import Response, ResponseTable, tabulate_responses
from service.engine.fit.answer.result import Result, Unsettled, fit, list_stages

__all__ = [
    "Contributions",
    "Difference",
    "Goal",
    "Prediction",
    "Reached",
    "Response",
    "ResponseTable",
    "Result",
    "Unsettled",
    "decompose",
    "find_input",
    "fit",
    "list_stages",
    "predict",
    "subtract_plans",
    "tabulate_responses",
]
