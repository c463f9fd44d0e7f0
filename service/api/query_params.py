"""Query parameters as models: those of lists, of pictures, and of requests that GET accepts.

GET accepts the same requests as POST, as flat parameters instead of a JSON body.
"""

from typing import Annotated, Any, Literal

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from service.api.examples import CURSOR, DATASET_ID, RUN_ID
from service.api.requests import validate
from service.engine.network import Aggregation
from service.errors import Invalid
from service.formats import SeriesColumns
from service.formats.csv_layout import split_line
from service.lifecycle import Status
from service.schemas.base import NUMBER
from service.schemas.common import Activation, NetworkSchema, Range, WeightsSchema
from service.schemas.cost_surface import (
    JSON_RESOLUTION,
    MAX_RUNS,
    NPZ_RESOLUTION,
    CostSurfaceRequest,
    Mark,
    Resolution,
)
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import MAX_POINTS, GradientTraceRequest
from service.schemas.pictures import PictureOptions
from service.schemas.series import ColumnName

_DATASET = CountOnesDataset.model_fields
_NETWORK = NetworkSchema.model_fields


class QueryModel(BaseModel):
    """Query parameters. The route rejects unknown ones."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _parse_numbers(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Parse the text of numbers, which the request models accept only as JSON numbers."""
        numbers = [name for name, info in cls.model_fields.items() if NUMBER in info.metadata]
        return values | {name: _parse_number(values[name]) for name in numbers if name in values}

    def _given(self, *names: str) -> dict[str, Any]:
        """Return those of the parameters that are in the URL."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class DatasetQuery(QueryModel):
    """What a client says about a dataset that it stores."""

    name: Annotated[
        str | None,
        StringConstraints(
            strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$"
        ),
        Field(
            description="A name for people, which is not part of the id. For a dataset that is "
            "already stored it replaces the name; without it that keeps its name.",
            examples=["Rain and runoff, 2024"],
        ),
    ] = None
    kind: Annotated[
        Literal["series"] | None,
        Field(
            examples=["series"],
            description="Read a file as a series: a table with a header and one row per step, or "
            "an archive with a target at every step.",
        ),
    ] = None
    target: Annotated[
        ColumnName | None,
        Field(
            description="Of a series: the column of the target; by default target.",
            examples=["sales"],
        ),
    ] = None
    inputs: Annotated[
        str | None,
        Field(
            max_length=10_000,
            description="Of a series: the columns of the inputs, separated by commas, in quotes if "
            "they contain one; empty for none. By default all other columns.",
            examples=["spend,heating"],
        ),
    ] = None
    sequence: Annotated[
        ColumnName | None,
        Field(
            description="Of a series: the column that distinguishes the sequences.",
            examples=["region"],
        ),
    ] = None
    time: Annotated[
        ColumnName | None,
        Field(
            description="Of a series: the column of the times, as dates or numbers. Their steps "
            "must be equal, as those of months and years are.",
            examples=["date"],
        ),
    ] = None

    def to_columns(self) -> SeriesColumns | None:
        """Return the columns of a series, or None for another dataset; raises Invalid."""
        columns = self._given("target", "inputs", "sequence", "time")
        if self.kind is None:
            for name in columns:
                raise Invalid(f"{name} applies to kind=series", parameter=name)
            return None
        if self.inputs is not None:
            columns["inputs"] = tuple(filter(None, split_line(self.inputs, ",")))
        return SeriesColumns(**columns)


def _parse_number(text: str) -> Any:
    """Return the number that a text spells in JSON, or the text if it is not a number."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if type(value) in {int, float} else text


def _pair_of(first: str, second: str, **more: Any) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return the metadata of a parameter with two numbers, such as ``2,0.5``."""

    def parse(text: Any) -> Any:
        parts = str(text).split(",")
        if len(parts) != 2:
            raise PydanticCustomError("pair", f"Input should be two numbers, {first},{second}")
        return {first: _parse_number(parts[0]), second: _parse_number(parts[1])}

    schema = {"type": "string", "pattern": "^[^,]+,[^,]+$", **more}
    return BeforeValidator(parse), WithJsonSchema(schema)


class ListQuery(QueryModel):
    """One page of a list."""

    limit: Annotated[
        int,
        Field(ge=1, le=100, description="The maximum number of items.", examples=[20]),
        NUMBER,
    ] = 20
    cursor: Annotated[
        str | None,
        Field(description="The next_cursor of the previous page.", examples=[CURSOR]),
    ] = None


class ComputationListQuery(ListQuery):
    """One page of a list of computations."""

    status: Annotated[
        Status | None, Field(description="Only items of this status.", examples=["succeeded"])
    ] = None


class PictureQuery(QueryModel, PictureOptions):
    """The options of a picture."""

    def to_options(self) -> PictureOptions:
        """Return the options."""
        return PictureOptions.model_construct(**self._given(*PictureOptions.model_fields))


_POINT = _pair_of("w_in", "w_rec")
_RANGE = _pair_of("low", "high", examples=["0,2"])
Points = Annotated[
    list[Annotated[WeightsSchema, _POINT[0], _POINT[1]]],
    Field(
        default_factory=list,
        max_length=MAX_POINTS,
        description="Weights as w_in,w_rec; may be repeated. By default the tutorial's six.",
        examples=[["2,1", "1,-0.5"]],
    ),
]
QueryRange = Annotated[Range | None, _RANGE[0], _RANGE[1]]


class _RequestQuery(QueryModel):
    """The dataset and the network of a request."""

    kind: Annotated[
        Literal["count_ones", "remember"],
        Field(
            description="The kind of generated dataset. For remember, the default of n_steps is 30 "
            "and there is no noise."
        ),
    ] = "count_ones"
    n_samples: Annotated[int, _DATASET["n_samples"]]
    n_steps: Annotated[int, _DATASET["n_steps"]]
    seed: Annotated[int, _DATASET["seed"]]
    noise: Annotated[float, _DATASET["noise"]]
    dataset: Annotated[
        str | None,
        Field(
            description="The id of a stored dataset, in place of kind, n_samples, n_steps, seed "
            "and noise.",
            examples=[DATASET_ID],
        ),
    ] = None
    activation: Annotated[Activation, _NETWORK["activation"]]
    initial_state: Annotated[float, _NETWORK["initial_state"]]

    def _body(self) -> dict[str, Any]:
        """Return the dataset and the network as in a JSON body; raises Invalid."""
        drawn = self._given("kind", "n_samples", "n_steps", "seed", "noise")
        dataset: dict[str, Any] = drawn
        if self.dataset is not None:
            if drawn:
                names = ", ".join(sorted(drawn))
                raise Invalid(f"{names} cannot be combined with a stored dataset", "/dataset")
            dataset = {"kind": "stored", "id": self.dataset}
        return {"dataset": dataset, "network": self._given("activation", "initial_state")}


class GradientTraceQuery(_RequestQuery):
    """A request for gradient traces."""

    point: Points
    aggregation: Annotated[Aggregation, GradientTraceRequest.model_fields["aggregation"]]

    def to_request(self) -> GradientTraceRequest:
        """Return the request; raises Invalid."""
        body = self._body() | self._given("aggregation")
        if self.point:
            body["points"] = self.point
        return validate(body, GradientTraceRequest)


class TracePictureQuery(GradientTraceQuery, PictureQuery):
    """A request for a picture of gradient traces."""


_ONE_WINDOW = "If it is given, there is one window, not the tutorial's two."


class _SurfaceQuery(_RequestQuery):
    """A request for cost surfaces."""

    w_in: Annotated[
        QueryRange,
        Field(description=f"The range of w_in as low,high. {_ONE_WINDOW}"),
    ] = None
    w_rec: Annotated[
        QueryRange,
        Field(description=f"The range of w_rec as low,high. {_ONE_WINDOW}"),
    ] = None
    point: Points
    run: Annotated[
        list[str],
        Field(
            default_factory=list,
            max_length=MAX_RUNS,
            description="Stored runs whose paths a picture draws, in this order; may be repeated.",
            examples=[[RUN_ID]],
        ),
    ]
    mark: Annotated[
        list[Mark],
        Field(
            default_factory=list,
            max_length=len(Mark),
            description="What to mark in a picture: the exact optimum, or the valley (the best "
            "w_in for each w_rec); may be repeated. By default both if runs are drawn, and nothing "
            "otherwise.",
            examples=[["optimum"]],
        ),
    ]

    def to_request(self) -> CostSurfaceRequest:
        """Return the request; raises Invalid."""
        body = self._body()
        window = self._given("w_in", "w_rec", "resolution")
        if window:
            body["windows"] = [window]
        for name, field in (("point", "points"), ("run", "runs"), ("mark", "marks")):
            if name in self.model_fields_set:
                body[field] = getattr(self, name)
        return validate(body, CostSurfaceRequest)


class SurfacePictureQuery(_SurfaceQuery, PictureQuery):
    """A request for a picture of cost surfaces."""


class CostSurfaceQuery(_SurfaceQuery):
    """A request for cost surfaces on grids, as JSON."""

    resolution: Resolution = JSON_RESOLUTION


class CostSurfaceNpzQuery(_SurfaceQuery):
    """A request for cost surfaces on grids, as arrays."""

    resolution: Resolution = NPZ_RESOLUTION
