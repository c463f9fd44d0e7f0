"""All questions.

Routes, query parameters and the required scopes of API keys are derived from this list.
"""

from typing import Any, Final

from service.operations.costs import COST_SURFACE, EVALUATE, OPTIMUM
from service.operations.gradients import GRADIENT_CHECK, GRADIENT_TRACE
from service.operations.predict import PREDICT
from service.operations.question import Question

QUESTIONS: Final[tuple[Question[Any, Any], ...]] = (
    PREDICT,
    EVALUATE,
    GRADIENT_TRACE,
    GRADIENT_CHECK,
    COST_SURFACE,
    OPTIMUM,
)
