"""All questions.

Routes, query parameters and the required scopes of API keys are derived from this list.
"""

from typing import Any, Final

from service.operations.questions.costs import COST_SURFACE, EVALUATE, OPTIMUM
from service.operations.questions.gradients import GRADIENT_CHECK, GRADIENT_TRACE
from service.operations.questions.predict import PREDICT
from service.operations.questions.question import Question

QUESTIONS: Final[tuple[Question[Any, Any], ...]] = (
    PREDICT,
    EVALUATE,
    GRADIENT_TRACE,
    GRADIENT_CHECK,
    COST_SURFACE,
    OPTIMUM,
)
