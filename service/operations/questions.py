"""All questions.

Their routes, their query parameters and the scope of the API key that they need follow from them.
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
