"""Predictions, and their models."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from service.engine.types import Array
from service.schemas.arrays import InputSequences, Vector, error_at
from service.schemas.base import NUMBER, Nullable, RequestModel, ResponseModel, Tagged
from service.schemas.common import Activation, NetworkSchema, State, WeightsSchema
from service.schemas.datasets import DatasetSource
from service.schemas.fit_results import TrustReport
from service.schemas.plans import (
    MAX_PLANS,
    DifferenceReport,
    GoalReport,
    GoalSchema,
    PlanSchema,
    PredictionSummary,
)

TUTORIAL_TEST_SEQUENCE: Any = [[0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1]]


KIND = "The source of the weights."


class WeightsModel(NetworkSchema, WeightsSchema):
    """Weights and network in the request itself."""

    kind: Annotated[Literal["weights"], Field(description=KIND)] = "weights"


class RunModel(RequestModel):
    """The final weights of a stored training run."""

    kind: Annotated[Literal["run"], Field(description=KIND)]
    id: Annotated[str, Field(examples=["run_" + "0" * 32])]
    """The id of the run."""


class FitModel(RequestModel):
    """A stored fit, with its own inputs."""

    kind: Annotated[Literal["fit"], Field(description=KIND)]
    id: Annotated[str, Field(examples=["fit_" + "0" * 32])]
    """The id of the fit."""
    initial_state: State | None = None
    """The initial state of new sequences; null selects that of the fit."""


class ContinuedSequence(RequestModel):
    """The sequence of a fit to continue."""

    sequence: Annotated[int, Field(ge=0), NUMBER] = 0
    """Its index in the dataset of the fit."""


def _infer_kind(value: Any) -> Any:
    """Add the kind that follows from the prefix of an id."""
    if isinstance(value, dict) and "id" in value and "kind" not in value:
        return {"kind": "fit" if str(value["id"]).startswith("fit_") else "run", **value}
    return value


Model = Annotated[
    WeightsModel | RunModel | FitModel,
    Field(discriminator="kind", description="The network to use."),
    Tagged("kind", "weights"),
    BeforeValidator(_infer_kind),
]


class PredictRequest(RequestModel):
    """Sequences to predict, in the request or as a dataset, and the network to use."""

    weights: WeightsSchema = WeightsSchema()
    """The weights."""
    network: NetworkSchema = NetworkSchema()
    """The activation and the initial state."""
    model: Model | None = None
    """A trained network, instead of weights and network."""
    inputs: Annotated[
        InputSequences, Field(examples=[TUTORIAL_TEST_SEQUENCE], validate_default=True)
    ] = TUTORIAL_TEST_SEQUENCE
    """Sequences; their lengths may differ. With a fit, each step is a list with one number per
    input, or a number if there is one input."""
    dataset: DatasetSource | None = None
    """A dataset, whose inputs are used instead of `inputs`."""
    continue_: Annotated[ContinuedSequence | None, Field(alias="continue")] = None
    """With a fit: the sequence that the inputs continue."""
    plans: Annotated[list[PlanSchema] | None, Field(min_length=1, max_length=MAX_PLANS)] = None
    """With a fit, instead of inputs: plans of the same steps, to compare with the first."""
    goal: GoalSchema | None = None
    """With plans: an output to reach."""
    return_states: Annotated[bool, Field(strict=True)] = False
    """True to return the states at every step."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "PredictRequest":
        given = self.model_fields_set
        if self.dataset is not None and "inputs" in given:
            raise error_at("two_sources", "inputs and dataset are mutually exclusive")
        if self.model is not None and given & {"weights", "network"}:
            raise error_at("two_models", "model cannot be combined with weights or network")
        if isinstance(self.model, FitModel):
            self._check_fit()
        elif self.plans is not None or self.goal is not None:
            raise error_at("no_fit", "only a fit has plans", "plans" if self.plans else "goal")
        elif self.continue_ is not None:
            raise error_at("no_fit", "only a fit can continue a sequence", "continue")
        elif self.inputs[0].ndim > 1:
            raise error_at("number_type", "Input should be a number", "inputs", 0, 0)
        return self

    def _check_fit(self) -> None:
        """Raise an error for fields that do not apply to a fit."""
        if self.dataset is not None:
            raise error_at("no_dataset", "with a fit, give inputs instead of a dataset", "dataset")
        if self.plans is None and "inputs" not in self.model_fields_set:
            raise error_at("no_inputs", "with a fit, inputs are required", "inputs")
        if self.return_states:
            raise error_at("states", "a fit already returns outputs at every step", "return_states")
        if self.plans is not None:
            self._check_plans(self.plans)
        elif self.goal is not None:
            raise error_at("no_plans", "a goal needs a plan with the other inputs", "goal")
        elif self.continue_ is not None and len(self.inputs) != 1:
            raise error_at("one_sequence", "exactly one sequence can be continued", "inputs")

    def _check_plans(self, plans: list[PlanSchema]) -> None:
        """Raise an error unless plans replace inputs, and have different names and the same T."""
        if "inputs" in self.model_fields_set:
            raise error_at("two_sources", "inputs and plans are mutually exclusive")
        if len({plan.name for plan in plans}) < len(plans):
            raise error_at("names", "plans have different names", "plans")
        first = plans[0]
        for i, plan in enumerate(plans):
            if len(plan.inputs) != len(first.inputs):
                lengths = f"{len(first.inputs)} in {first.name}, {len(plan.inputs)} in {plan.name}"
                message = f"plans have the same number of steps, but there are {lengths}"
                raise error_at("ragged", message, "plans", i, "inputs")

    @property
    def sequences(self) -> list[Array]:
        """The inputs, or those of the plans."""
        return self.inputs if self.plans is None else [plan.inputs for plan in self.plans]


class PlansPictureRequest(PredictRequest):
    """Plans to draw, with a fit."""

    model: Annotated[FitModel, BeforeValidator(_infer_kind)]
    """The fit."""
    plans: Annotated[list[PlanSchema], Field(min_length=1, max_length=MAX_PLANS)]
    """Plans of the same steps, to compare with the first."""


class ResolvedModel(ResponseModel):
    """The weights and the network of the prediction."""

    w_in: Nullable
    """The input weight."""
    w_rec: Nullable
    """The recurrent weight."""
    initial_state: float
    """The state before the first input."""
    activation: Activation
    """The activation function f."""


class PredictResponse(ResponseModel):
    """The outputs, and the model."""

    outputs: Vector
    """The last state of each sequence."""
    states: list[Vector] | None
    """The T + 1 states of each sequence, starting with the initial state."""
    n_overflowed: int
    """Outputs that overflow float64; they are null."""
    model: ResolvedModel
    """The model of the prediction."""


class FitPredictModel(ResponseModel):
    """The fit of the prediction."""

    id: str
    """The id of the fit."""
    w_rec: float | None
    """The recurrent weight; null with several time constants."""
    w_in: list[float]
    """The weights of the inputs."""
    offset: Nullable
    """The constant; null if there is none."""
    delay: int
    """The delay of the inputs in steps."""


class FitPredictResponse(ResponseModel):
    """Predictions with a fit: per sequence or plan, a number for every step."""

    outputs: list[Vector]
    """The prediction. For a new sequence the first are null, as many as the delay of the fit."""
    low: list[Vector]
    """The lower end of its confidence band."""
    high: list[Vector]
    """The upper end."""
    new_low: list[Vector]
    """The lower end of the band of a new observation."""
    new_high: list[Vector]
    """The upper end."""
    times: list[list[str]] | None
    """The times of the steps, if a sequence with times is continued."""
    n_overflowed: int
    """Outputs that overflow float64; they are null."""
    model: FitPredictModel
    """The fit of the prediction."""
    trust: TrustReport | None
    """The verdict on the interval of the fit."""
    summary: PredictionSummary
    """Notes on the predictions, in words."""
    plans: list[str] | None
    """The names of the plans."""
    differences: list[DifferenceReport] | None
    """The differences of the other plans from the first."""
    goal: GoalReport | None
    """The input that reaches the goal."""
