"""The GET spelling: a question as flat query parameters instead of a JSON body.

Parameters are put together into the JSON body that POST would take, and validated as that; so
bounds, defaults and the pointers in errors are the same.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from service.api.examples import DATASET_ID, RUN_ID
from service.errors import Invalid
from service.schemas.base import RequestModel
from service.schemas.common import NetworkSchema, Range
from service.schemas.cost_surface import MAX_RUNS, CostSurfaceRequest, Mark, Window
from service.schemas.datasets import CountOnesDataset
from service.schemas.gradient_trace import MAX_POINTS, GradientTraceRequest

Path = tuple[str | int, ...]
Q = TypeVar("Q", bound=RequestModel)


class Parameter(NamedTuple):
    """A query parameter: where it goes in the body, how it is read and described."""

    path: Path
    read: Callable[[str], Any]
    schema: dict[str, Any]
    description: str
    repeated: bool = False


def _number(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text  # validation will say that it is not a number
    return value if isinstance(value, (int, float)) else text


def _pair(first: str, second: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        parts = text.split(",")
        if len(parts) != 2:
            raise ValueError(f"write two numbers, {first},{second}")
        return {first: _number(parts[0]), second: _number(parts[1])}

    return read


def _field(model: type[BaseModel], name: str, *path: str | int) -> Parameter:
    schema = model.model_json_schema()
    field = dict(schema["properties"][name])
    if "$ref" in field:
        field |= schema["$defs"][field.pop("$ref").rpartition("/")[2]]
    description = field.pop("description", "")
    field.pop("title", None)
    field.setdefault("examples", [field["default"]])
    read = _number if field["type"] in ("number", "integer") else str
    return Parameter(path, read, field, description)


_PAIR = {"type": "string", "pattern": "^[^,]+,[^,]+$"}

_DATA = {
    name: _field(CountOnesDataset, name, "dataset", name)
    for name in ("n_samples", "n_steps", "seed", "noise")
}
_STORED = Parameter(
    ("dataset",),
    lambda text: {"kind": "stored", "id": text},
    {"type": "string", "examples": [DATASET_ID]},
    "The id of a stored dataset, instead of n_samples, n_steps, seed and noise.",
)
_NETWORK = {
    name: _field(NetworkSchema, name, "network", name) for name in ("activation", "initial_state")
}
_POINT = Parameter(
    ("points",),
    _pair("w_in", "w_rec"),
    {"type": "array", "items": _PAIR, "maxItems": MAX_POINTS, "examples": [["2,1", "1,-0.5"]]},
    "Weights as w_in,w_rec; may be repeated. By default the note's six.",
    repeated=True,
)


_ONE_WINDOW = "With w_in, w_rec or resolution there is this one window, not the note's two."


def _range(name: str) -> Parameter:
    described = f"The window's {name} as low,high, -3,3 if not given. {_ONE_WINDOW}"
    schema = {**_PAIR, "examples": ["0,2"]}
    return Parameter(("windows", 0, name), _pair(*Range.model_fields), schema, described)


TRACE = {
    **_DATA,
    "dataset": _STORED,
    **_NETWORK,
    "point": _POINT,
    "aggregation": _field(GradientTraceRequest, "aggregation", "aggregation"),
}
SURFACE_PICTURE = {
    **_DATA,
    "dataset": _STORED,
    **_NETWORK,
    "w_in": _range("w_in"),
    "w_rec": _range("w_rec"),
    "point": _POINT,
    "run": Parameter(
        ("runs",),
        str,
        {
            "type": "array",
            "items": {"type": "string"},
            "maxItems": MAX_RUNS,
            "examples": [[RUN_ID]],
        },
        "Kept runs whose paths the picture draws, in this order; may be repeated.",
        repeated=True,
    ),
    "mark": Parameter(
        ("marks",),
        str,
        {
            "type": "array",
            "items": {"type": "string", "enum": list(Mark)},
            "maxItems": len(Mark),
            "examples": [["optimum"]],
        },
        "What the picture marks: the exact optimum, and the valley of the best w_in for each "
        "w_rec; may be repeated. By default both where runs are drawn, and nothing otherwise.",
        repeated=True,
    ),
}
SURFACE = {
    **SURFACE_PICTURE,
    "resolution": _field(Window, "resolution", "windows", 0, "resolution"),
}
SPELLINGS: dict[type[RequestModel], dict[str, Parameter]] = {
    GradientTraceRequest: TRACE,
    CostSurfaceRequest: SURFACE,
}


def documented(parameters: dict[str, Parameter]) -> dict[str, Any]:
    """Return the parameters as an addition to an operation of the OpenAPI schema."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": False,
                "schema": each.schema,
                "description": each.description,
            }
            for name, each in parameters.items()
        ]
    }


def question(model: type[Q], parameters: Iterable[tuple[str, str]]) -> Q:
    """Validate query parameters as the question that they spell.

    Parameters that do not belong to the question are passed over: the route has refused unknown
    ones already.

    Raises
    ------
    Invalid
        A parameter is given twice, or two of them contradict each other.
    RequestValidationError
        The body that the parameters spell is not valid.
    """
    body: dict[str, Any] = {}
    spelling = SPELLINGS[model]
    seen: set[str] = set()
    for name, text in parameters:
        if name not in spelling:
            continue
        parameter = spelling[name]
        if name in seen and not parameter.repeated:
            raise Invalid(f"{name} is given twice", _pointer(parameter.path))
        seen.add(name)
        _put(body, parameter, text)
    if "dataset" in seen and seen & _DATA.keys():
        both = ", ".join(sorted(seen & _DATA.keys()))
        raise Invalid(f"dataset names stored samples: {both} cannot be given with it", "/dataset")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise RequestValidationError(error.errors(), body=body) from None


def _put(body: dict[str, Any], parameter: Parameter, text: str) -> None:
    """Read a parameter into its place in the body."""
    *way, last = parameter.path
    at: Any = body
    for part, following in zip(way, parameter.path[1:], strict=True):
        if isinstance(at, list):
            at += [{}] * (1 - len(at))
        else:
            at.setdefault(part, [] if isinstance(following, int) else {})
        at = at[part]
    if parameter.repeated:
        at = at.setdefault(last, [])
    try:
        value = parameter.read(text)
    except ValueError as error:
        place = _pointer((*parameter.path, len(at)) if parameter.repeated else parameter.path)
        raise Invalid(str(error), place) from None
    if parameter.repeated:
        at.append(value)
    else:
        at[last] = value


def _pointer(path: Path) -> str:
    return "".join(f"/{part}" for part in path)
