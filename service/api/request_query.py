"""Query parameters derived from request models: GET takes as parameters what POST takes as JSON.

The fields of the body become flat parameters. A dataset is given by the fields of the generated
kinds, or as ``dataset=ds_…``; a list by one parameter that may be repeated; two numbers as
``2,0.5``. Data in the request itself and several windows need POST.
"""

from collections.abc import Iterator, Sequence
from enum import EnumType
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from service.api.examples import DATASET_ID, RUN_ID
from service.api.query_params import PARSE_NUMBER, QueryModel, parse_number
from service.api.requests import validate
from service.errors import Invalid
from service.schemas.base import RequestModel
from service.schemas.datasets import OneTargetDataset

# The fields of the kinds of datasets that need no data, by kind, the default one first.
GENERATED: Final = {
    get_args(model.model_fields["kind"].annotation)[0]: model.model_fields
    for model in get_args(OneTargetDataset)
    if not any(info.is_required() for name, info in model.model_fields.items() if name != "kind")
}
DEFAULT_KIND: Final = next(iter(GENERATED))
EXAMPLES: Final = {"runs": [[RUN_ID]]}  # of fields whose own examples are not stored
ONE_ITEM: Final = " If it is given, there is one, not the default ones."
_literal: Any = Literal  # which is computed here


class Parameter(NamedTuple):
    """A query parameter, and the part of the JSON body that it stands for."""

    field: str
    part: str | None  # a field of the model in that field, or of the models in its list
    pointer: str
    declared: tuple[Any, Any]  # its type; its default, description and example


class RequestQuery(QueryModel):
    """A request as query parameters; `derive_query` adds those that are not here."""

    request_model: ClassVar[type[RequestModel]]
    parameters: ClassVar[dict[str, Parameter]]

    dataset: Annotated[
        str | None,
        Field(
            description="The id of a stored dataset, in place of a generated one.",
            examples=[DATASET_ID],
        ),
    ] = None

    @classmethod
    def pointers(cls) -> dict[str, str]:
        """Return the JSON pointer of every parameter."""
        pointers = {name: parameter.pointer for name, parameter in cls.parameters.items()}
        return {"dataset": "/dataset", **pointers}

    def to_request(self) -> Any:
        """Return the request; raises Invalid."""
        body: dict[str, Any] = {"dataset": {}}
        for name, value in self._given(*self.parameters).items():
            parameter = self.parameters[name]
            if parameter.part is None:
                body[parameter.field] = value
            else:
                body.setdefault(parameter.field, {})[parameter.part] = value
        body["dataset"] = self._select_dataset(body["dataset"])
        for field, value in body.items():
            info = self.request_model.model_fields[field]
            if isinstance(value, dict) and _list_item(info.annotation):
                body[field] = _replace_items(info.default, value)
        return validate(body, self.request_model)

    def _select_dataset(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the dataset, without parameters that do not apply and equal their defaults.

        Clients that are generated from the schema send all parameters. Raises Invalid for other
        parameters beside a stored dataset.
        """
        applicable = GENERATED[given.get("kind", DEFAULT_KIND)] if self.dataset is None else {}
        used = {
            name: value
            for name, value in given.items()
            if name in applicable or value != _default_of(name)
        }
        if self.dataset is None:
            return used
        if used:
            names = ", ".join(sorted(used))
            raise Invalid(f"{names} cannot be combined with a stored dataset", "/dataset")
        return {"kind": "stored", "id": self.dataset}


def derive_query(model: type[RequestModel], *bases: type[QueryModel]) -> Any:
    """Return the `RequestQuery` of a request about a dataset, with the parameters of other models.

    Its type is that of a new class, which no checker knows.
    """
    parameters = dict(_parameters(model))
    declared: Any = {name: parameter.declared for name, parameter in parameters.items()}
    name = model.__name__.replace("Request", "Query")
    base: Any = (RequestQuery, *bases)
    query: Any = create_model(name, __base__=base, **declared)
    query.request_model, query.parameters = model, parameters
    return query


def _parameters(model: type[RequestModel]) -> Iterator[tuple[str, Parameter]]:
    """Yield the parameters of all fields: several of a dataset, a network or a window."""
    for field, info in model.model_fields.items():
        item = _list_item(info.annotation)
        inner: Any = item or info.annotation
        if field == "dataset":
            for name, declared in _dataset_parameters():
                yield name, Parameter(field, name, f"/{field}/{name}", declared)
        elif _is_model(inner) and not _is_pair(inner):
            pointer = f"/{field}/0" if item else f"/{field}"
            for name, part in inner.model_fields.items():
                more = ONE_ITEM if item and _differ(info.default, name) else ""
                yield name, Parameter(field, name, f"{pointer}/{name}", _declare(name, part, more))
        else:
            name = field.removesuffix("s") if item else field
            yield name, Parameter(field, None, f"/{field}", _declare(field, info))


def _dataset_parameters() -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Yield the fields of all generated kinds. No default that depends on the kind is declared."""
    kind = Field(DEFAULT_KIND, description="The kind of generated dataset.")
    yield "kind", (_literal[tuple(GENERATED)], kind)
    for name in dict.fromkeys(name for fields in GENERATED.values() for name in fields):
        infos = {kind: fields[name] for kind, fields in GENERATED.items() if name in fields}
        defaults = {kind: info.default for kind, info in infos.items()}
        info = infos[next(iter(infos))]
        if len(set(defaults.values())) > 1 and name != "kind":
            texts = " or ".join(f"{default} for {kind}" for kind, default in defaults.items())
            yield name, _declare(name, info, f" By default {texts}.", default=None)
        elif name != "kind":
            of_some = f" Of {' and '.join(infos)}." if len(infos) < len(GENERATED) else ""
            yield name, _declare(name, info, of_some)


def _default_of(name: str) -> Any:
    """Return the default of a parameter of the first generated kind that has it."""
    return next(fields[name].default for fields in GENERATED.values() if name in fields)


def _declare(name: str, info: FieldInfo, more: str = "", **changes: Any) -> tuple[Any, Any]:
    """Return the type of a parameter, and its default, description and example."""
    item = _list_item(info.annotation)
    if item is not None:
        values = [*item] if isinstance(item, EnumType) else info.default
        examples = EXAMPLES.get(name) or [[_text(value) for value in values[:2]]]
        lengths = [limit for limit in info.metadata if hasattr(limit, "max_length")]
        description = f"{info.description}{_format(item)} May be repeated."
        listed: Any = Field(default_factory=list, description=description, examples=examples)
        return _annotate(list[_parsed(item)], lengths), listed  # type: ignore[misc]
    examples = info.examples or [_text(info.default)]
    attributes: dict[str, Any] = {
        "default": None if _is_model(info.annotation) else info.default,
        "description": f"{info.description}{_format(info.annotation)}{more}",
        "examples": examples,
        "json_schema_extra": info.json_schema_extra,
    }
    parsed = _parsed(info.annotation, examples=examples)
    numbers = [] if info.annotation is str else [PARSE_NUMBER]
    return _annotate(parsed, [*info.metadata, *numbers]), Field(**attributes | changes)


def _annotate(annotation: Any, metadata: Sequence[Any]) -> Any:
    return Annotated[(annotation, *metadata)] if metadata else annotation


def _parsed(annotation: Any, **schema: Any) -> Any:
    """Return the type of one value, which is parsed from its text if it is a model of two numbers.

    ``schema`` is what its JSON schema says besides.
    """
    if not _is_model(annotation):
        return annotation
    first, second = annotation.model_fields

    def parse(text: Any) -> Any:
        parts = str(text).split(",")
        if len(parts) != 2:
            raise PydanticCustomError("pair", f"Input should be two numbers, {first},{second}")
        return {first: parse_number(parts[0]), second: parse_number(parts[1])}

    described = WithJsonSchema({"type": "string", "pattern": "^[^,]+,[^,]+$", **schema})
    return Annotated[annotation, BeforeValidator(parse), described]


def _text(value: Any) -> Any:
    """Return an example of a parameter with this value."""
    if not isinstance(value, BaseModel):
        return value
    return ",".join(f"{number:g}" for number in vars(value).values())


def _format(annotation: Any) -> str:
    """Return how two numbers are written, for a description."""
    return f" Written as {','.join(annotation.model_fields)}." if _is_model(annotation) else ""


def _replace_items(items: Sequence[BaseModel], given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a list with the given parts.

    There is one item where a part is given in which the default items differ.
    """
    if any(_differ(items, part) for part in given):
        return [given]
    return [vars(item) | given for item in items]


def _differ(items: Sequence[BaseModel], part: str) -> bool:
    return any(vars(item)[part] != vars(items[0])[part] for item in items)


def _list_item(annotation: Any) -> Any:
    """Return the type of the items of a list, which may be null; None for another type."""
    for option in (annotation, *get_args(annotation)):
        if get_origin(option) is list:
            return get_args(option)[0]
    return None


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_pair(model: type[BaseModel]) -> bool:
    return [info.annotation for info in model.model_fields.values()] == [float, float]
