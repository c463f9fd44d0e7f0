"""Query parameters as models: those of lists, of pictures, and of requests that GET accepts.

GET accepts the same requests as POST, as flat parameters instead of a JSON body.

FastAPI reads the parameters of lists. It takes 5 µs for each declared parameter, which would be a
third of the time of a cached picture with 18 of them, so those of requests are read here.
"""

from typing import Annotated, Any, Self, TypeVar, get_origin

import orjson
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from service.api.errors import InvalidBody
from service.api.examples import CURSOR, DATASET_ID, RUN_ID
from service.engine.network import Aggregation
from service.errors import Invalid
from service.figures.style import (
    MAX_DPI,
    MAX_HEIGHT,
    MAX_TITLE_LENGTH,
    MAX_WIDTH,
    MIN_DPI,
    MIN_HEIGHT,
    MIN_WIDTH,
)
from service.schemas.base import NUMBER
from service.schemas.common import Activation, NetworkSchema, Range, WeightsSchema
from service.schemas.computations import Status
from service.schemas.cost_surface import MAX_RUNS, CostSurfaceRequest, Mark, Window
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import MAX_POINTS, GradientTraceRequest
from service.schemas.pictures import PictureOptions, Theme

M = TypeVar("M", bound=BaseModel)


def is_list(info: FieldInfo) -> bool:
    """Return whether a parameter may be repeated."""
    return get_origin(info.annotation) is list


def describe_query(*models: type[BaseModel]) -> dict[str, Any]:
    """Describe the parameters that a route reads by itself, for its OpenAPI schema."""
    described = []
    for model in models:
        whole = model.model_json_schema(ref_template="{model}")
        for name, schema in whole["properties"].items():
            text = schema.pop("description")
            inlined = _inline(schema, whole.get("$defs", {}))
            parameter = {"name": name, "in": "query", "required": False, "schema": inlined}
            described.append(parameter | {"description": text})
    return {"parameters": described}


def _inline(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Replace the references to enumerations, which are not among the shared components."""
    if "items" in schema:
        return schema | {"items": _inline(schema["items"], definitions)}
    if "$ref" not in schema:
        return schema
    definition: dict[str, Any] = definitions[schema["$ref"]]
    return {name: value for name, value in (definition | schema).items() if name != "$ref"}


_DATASET = CountOnesDataset.model_fields
_NETWORK = NetworkSchema.model_fields


class QueryModel(BaseModel):
    """Query parameters. Unknown ones are ignored here, since the route rejects them."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    @classmethod
    async def read(cls, request: Request) -> Self:
        """Return the parameters of a request; raises RequestValidationError.

        It is async because FastAPI calls other dependencies in a thread.
        """
        lists = {name for name, info in cls.model_fields.items() if is_list(info)}
        query = request.query_params
        values = {name: query.getlist(name) if name in lists else query[name] for name in query}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            errors = [{**each, "loc": ("query", *each["loc"])} for each in error.errors()]
            raise RequestValidationError(errors) from None

    @model_validator(mode="before")
    @classmethod
    def _parse_numbers(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Parse the text of numbers, which the request models accept only as JSON numbers."""
        numbers = {name for name, info in cls.model_fields.items() if NUMBER in info.metadata}
        return {
            name: _number(value) if name in numbers else value for name, value in values.items()
        }


class ListQuery(QueryModel):
    """One page of a list."""

    limit: Annotated[
        int, Field(ge=1, le=100, description="The maximum number of items.", examples=[20])
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


class PictureQuery(QueryModel):
    """The options of a picture."""

    width: Annotated[
        int | None,
        Field(
            ge=MIN_WIDTH,
            le=MAX_WIDTH,
            description="Pictures: the width in pixels at 100 dpi.",
            examples=[900],
        ),
    ] = None
    height: Annotated[
        int | None,
        Field(
            ge=MIN_HEIGHT,
            le=MAX_HEIGHT,
            description="Pictures: the height in pixels at 100 dpi.",
            examples=[600],
        ),
    ] = None
    dpi: Annotated[
        int,
        Field(
            ge=MIN_DPI,
            le=MAX_DPI,
            description="Pictures: the resolution of PNG; 200 doubles width and height.",
            examples=[200],
        ),
    ] = 100
    theme: Annotated[
        Theme, Field(description="Pictures: the colors, light or dark.", examples=["dark"])
    ] = Theme.LIGHT
    title: Annotated[
        str | None,
        Field(
            max_length=MAX_TITLE_LENGTH,
            description="Pictures: a title that replaces the default.",
            examples=["Two valleys"],
        ),
    ] = None


async def get_picture_options(request: Request) -> PictureOptions:
    """Return the options of the requested picture; raises RequestValidationError."""
    query = await PictureQuery.read(request)
    return PictureOptions.model_construct(**query.__dict__)


PictureOptionsDep = Annotated[PictureOptions, Depends(get_picture_options)]


def _number(text: Any) -> Any:
    """Return the number that a text spells in JSON, or the text if it is not a number."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number else text


def _pair(first: str, second: str, **more: Any) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return the metadata of a parameter with two numbers, such as ``2,0.5``."""

    def parse(text: Any) -> Any:
        parts = str(text).split(",")
        if len(parts) != 2:
            raise PydanticCustomError("pair", f"Input should be two numbers, {first},{second}")
        return {first: _number(parts[0]), second: _number(parts[1])}

    schema = {"type": "string", "pattern": "^[^,]+,[^,]+$", **more}
    return BeforeValidator(parse), WithJsonSchema(schema)


_POINT = _pair("w_in", "w_rec")
_RANGE = _pair("low", "high", examples=["0,2"])
Point = Annotated[WeightsSchema, _POINT[0], _POINT[1]]
QueryRange = Annotated[Range | None, _RANGE[0], _RANGE[1]]


class _RequestQuery(QueryModel):
    """The dataset and the network of a request."""

    n_samples: Annotated[int, _DATASET["n_samples"]]
    n_steps: Annotated[int, _DATASET["n_steps"]]
    seed: Annotated[int, _DATASET["seed"]]
    noise: Annotated[float, _DATASET["noise"]]
    dataset: Annotated[
        str | None,
        Field(
            description="The id of a stored dataset, in place of n_samples, n_steps, seed, noise.",
            examples=[DATASET_ID],
        ),
    ] = None
    activation: Annotated[Activation, _NETWORK["activation"]]
    initial_state: Annotated[float, _NETWORK["initial_state"]]

    def _body(self) -> dict[str, Any]:
        """Return the dataset and the network as in a JSON body; raises Invalid."""
        drawn = self._given("n_samples", "n_steps", "seed", "noise")
        dataset: dict[str, Any] = drawn
        if self.dataset is not None:
            if drawn:
                names = ", ".join(sorted(drawn))
                raise Invalid(f"{names} cannot be combined with a stored dataset", "/dataset")
            dataset = {"kind": "stored", "id": self.dataset}
        return {"dataset": dataset, "network": self._given("activation", "initial_state")}

    def _given(self, *names: str) -> dict[str, Any]:
        """Return those of the parameters that are in the URL."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class GradientTraceQuery(_RequestQuery):
    """A request for gradient traces."""

    point: Annotated[
        list[Point],
        Field(
            max_length=MAX_POINTS,
            description="Weights as w_in,w_rec; may be repeated. By default the tutorial's six.",
            examples=[["2,1", "1,-0.5"]],
        ),
    ] = []
    aggregation: Annotated[Aggregation, GradientTraceRequest.model_fields["aggregation"]]

    def to_request(self) -> GradientTraceRequest:
        """Return the request; raises Invalid or InvalidBody."""
        body = self._body() | self._given("aggregation")
        if self.point:
            body["points"] = self.point
        return _validate(GradientTraceRequest, body)


_ONE_WINDOW = "If w_in, w_rec or resolution is given, there is one window, not the tutorial's two."


class CostSurfaceQuery(_RequestQuery):
    """A request for cost surfaces."""

    w_in: Annotated[
        QueryRange,
        Field(description=f"The range of w_in as low,high. {_ONE_WINDOW}"),
    ] = None
    w_rec: Annotated[
        QueryRange,
        Field(description=f"The range of w_rec as low,high. {_ONE_WINDOW}"),
    ] = None
    resolution: Annotated[int, Window.model_fields["resolution"]]
    point: Annotated[
        list[Point],
        Field(
            max_length=MAX_POINTS,
            description="Weights as w_in,w_rec; may be repeated. By default the tutorial's six.",
            examples=[["2,1", "1,-0.5"]],
        ),
    ] = []
    run: Annotated[
        list[str],
        Field(
            max_length=MAX_RUNS,
            description="Stored runs whose paths a picture draws, in this order; may be repeated.",
            examples=[[RUN_ID]],
        ),
    ] = []
    mark: Annotated[
        list[Mark],
        Field(
            max_length=len(Mark),
            description="What to mark in a picture: the exact optimum, or the valley (the best "
            "w_in for each w_rec); may be repeated. By default both if runs are drawn, and nothing "
            "otherwise.",
            examples=[["optimum"]],
        ),
    ] = []

    def to_request(self) -> CostSurfaceRequest:
        """Return the request; raises Invalid or InvalidBody."""
        body = self._body()
        window = self._given("w_in", "w_rec", "resolution")
        if window:
            body["windows"] = [window]
        for name, field in (("point", "points"), ("run", "runs"), ("mark", "marks")):
            if name in self.model_fields_set:
                body[field] = getattr(self, name)
        return _validate(CostSurfaceRequest, body)


GradientTraceQueryDep = Annotated[GradientTraceQuery, Depends(GradientTraceQuery.read)]
CostSurfaceQueryDep = Annotated[CostSurfaceQuery, Depends(CostSurfaceQuery.read)]


def _validate(model: type[M], body: dict[str, Any]) -> M:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise InvalidBody(error, body) from None
