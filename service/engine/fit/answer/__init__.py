"""The answer of a fit: its result, predictions, responses and contributions."""

from service.engine.fit.answer.contributions import Contributions, decompose
from service.engine.fit.answer.predictions import Prediction, predict
from service.engine.fit.answer.responses import Response, ResponseTable, tabulate_responses
from service.engine.fit.answer.result import Result, Unsettled, fit, list_stages

__all__ = [
    "Contributions",
    "Prediction",
    "Response",
    "ResponseTable",
    "Result",
    "Unsettled",
    "decompose",
    "fit",
    "list_stages",
    "predict",
    "tabulate_responses",
]
