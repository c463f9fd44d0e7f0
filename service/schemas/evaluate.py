"""Evaluations at given weights."""

from typing import Annotated

from pydantic import Field

from service.schemas.arrays import Vector
from service.schemas.base import ResponseModel
from service.schemas.common import Evaluation
from service.schemas.gradient_trace import TUTORIAL_POINTS, Points
from service.schemas.objective import ObjectiveRequest


class EvaluateRequest(ObjectiveRequest):
    """The weights at which to evaluate the network."""

    points: Annotated[Points, Field(min_length=1)] = TUTORIAL_POINTS


class Curvature(ResponseModel):
    """The eigenvalues of the Hessian of the cost with respect to both weights."""

    largest: float
    """Near a minimum, gradient descent moves away from it if the learning rate is above 2 divided
    by this."""
    smallest: float
    """Negative where the cost curves down in some direction."""


class PointEvaluation(Evaluation):
    """The cost, its gradient and curvature, and the outputs at one pair of weights."""

    curvature: Curvature | None
    """Null where it overflows float64."""
    outputs: Vector
    """The last state of each sequence; null where it overflows float64."""


class EvaluateResponse(ResponseModel):
    """One evaluation per requested point, in the same order."""

    evaluations: list[PointEvaluation]
    """One evaluation per point."""
