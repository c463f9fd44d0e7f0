"""Plans of future inputs, their differences, and goals."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from service.engine.fit import Level
from service.schemas.arrays import InputSteps, Vector
from service.schemas.base import NUMBER, Nullable, Real, RequestModel, ResponseModel
from service.schemas.fit_estimates import Estimate, Span
from service.schemas.series import ColumnName

MAX_PLANS = 8


class PlanSchema(RequestModel):
    """The inputs of future steps."""

    name: Annotated[ColumnName, Field(examples=["A"])]
    """The name of the plan."""
    inputs: InputSteps
    """A list with one number per input for every step, or a number if there is one input."""


class GoalSchema(RequestModel):
    """An output to reach by the choice of one input; the others are those of the first plan."""

    output: Real
    """The output to reach."""
    input: str | None = None
    """The input to choose, which may be null if there is only one."""
    at: Annotated[int | None, Field(ge=1), NUMBER] = None
    """The step of the plan, from 1, at which the output is reached; null for the long run."""
    kind: Literal["lasting", "once"] = "lasting"
    """`lasting` for the same input in every step, `once` for that of the first step only."""


class DifferenceReport(ResponseModel):
    """The prediction with a plan minus that with the first plan.

    It is the response to the difference of the inputs, so that its band does not depend on the
    start and the level.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    plan: str
    """The name of the plan."""
    from_: Annotated[str, Field(alias="from")]
    """The name of the first plan."""
    total: Estimate
    """The sum over all steps."""
    outputs: Vector
    """The difference at every step."""
    low: Vector
    """The lower end of its confidence band."""
    high: Vector
    """The upper end."""


class GoalReport(ResponseModel):
    """The input that reaches a goal."""

    input: str
    """The input."""
    output: float
    """The output to reach."""
    at: int | None
    """The step; null for the long run."""
    kind: Literal["lasting", "once"]
    """`lasting` or `once`."""
    value: Nullable
    """The input that reaches the output; null if it has no effect there."""
    intervals: list[Span]
    """The confidence set (Fieller), in one or two pieces. An end is null where there is none, as
    where the effect of the input may be 0."""


class PredictionSummary(ResponseModel):
    """Notes on predictions, in words."""

    level: Level | None
    """The confidence in the fit; null without a verdict."""
    sentences: list[str]
    """The verdict on the fit, inputs beyond those of the data, the end of each plan, their
    differences, and the goal."""
