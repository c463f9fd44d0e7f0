"""Path parameters, and query parameters: of lists, pictures, and of every request model.

GET accepts the JSON of POST as parameters. The fields of the body become flat parameters. A
dataset is given by the fields of the generated kinds, or as ``dataset=ds_…``; a list by one
parameter that may be repeated; two numbers as ``2,0.5``. Data in the request itself and several
windows require POST.
"""

from collections.abc import Sequence
from enum import EnumType
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema, create_model
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError
from starlette.convertors import StringConvertor, register_url_convertor

from service.api.examples import CURSOR, DATASET_ID, RUN_ID
from service.errors import Invalid, NotFound
from service.figures.formats import PICTURE_FORMATS
from service.lifecycle import Status
from service.operations.shared.field_errors import validate
from service.operations.shared.flat import Part, differ, flatten, list_item, nest
from service.schemas.base import NUMBER, PARSE_NUMBER, QueryModel, RequestModel, parse_number
from service.schemas.pictures import FitPictureOptions, PictureOptions

EXAMPLES: Final = {"runs": [[RUN_ID]]}  # of fields whose own examples are not stored
ONE_ITEM: Final = " Replaces the default windows with one window."


class ListQuery(QueryModel):
    """One page of a list."""

    limit: Annotated[int, Field(ge=1, le=100, examples=[20]), NUMBER, PARSE_NUMBER] = 20
    """The maximum number of items."""
    cursor: Annotated[str | None, Field(examples=[CURSOR])] = None
    """The next_cursor of the previous page."""


class ComputationListQuery(ListQuery):
    """One page of a list of computations."""

    status: Annotated[Status | None, Field(examples=["succeeded"])] = None
    """Only items of this status."""


class PictureQuery(QueryModel, PictureOptions):
    """The options of a picture."""

    options_model: ClassVar[type[PictureOptions]] = PictureOptions

    def to_options(self) -> PictureOptions:
        """Return the options."""
        model = self.options_model
        return model.model_construct(**self.given(*model.model_fields))


class FitPictureQuery(PictureQuery, FitPictureOptions):
    """The options of the picture of a fit."""

    options_model = FitPictureOptions


# The query parameters of pictures by their options.
PICTURE_QUERIES: Final = {each.options_model: each for each in (PictureQuery, FitPictureQuery)}


class RequestQuery(QueryModel):
    """A request as query parameters; `derive_query` adds further parameters."""

    request_model: ClassVar[type[RequestModel]]

    dataset: Annotated[str | None, Field(examples=[DATASET_ID])] = None
    """The id of a stored dataset, instead of a generated one."""

    @classmethod
    def pointers(cls) -> dict[str, str]:
        """Return the JSON pointer of every parameter."""
        parts = flatten(cls.request_model).items()
        return {"dataset": "/dataset", **{name: part.pointer for name, part in parts}}

    def to_request(self) -> Any:
        """Return the request; raises Invalid.

        Parameters of a dataset that do not apply are ignored if they equal their defaults, because
        generated clients send all parameters.
        """
        parts = flatten(self.request_model)
        given = self.given(*parts)
        kinds = parts["kind"].fields
        kind = given.get("kind", next(iter(kinds))) if self.dataset is None else None
        for name in [name for name in given if parts[name].path[0] == "dataset"]:
            fields = parts[name].fields
            if kind not in fields and given[name] == next(iter(fields.values())).default:
                del given[name]
            elif kind is None:
                raise Invalid(f"{name} cannot be combined with a stored dataset", "/dataset")
        body = nest(self.request_model, given)
        if self.dataset is not None:
            body["dataset"] = {"kind": "stored", "id": self.dataset}
        return validate(body, self.request_model)


def derive_query(model: type[RequestModel], *bases: type[QueryModel]) -> Any:
    """Return the `RequestQuery` of a request about a dataset, with the parameters of other models.

    Its type is that of a new class, which is not available to type checkers.
    """
    declared: Any = {name: _declare_part(model, part) for name, part in flatten(model).items()}
    name = model.__name__.replace("Request", "Query")
    base: Any = (RequestQuery, *bases)
    query: Any = create_model(name, __base__=base, **declared)
    query.request_model = model
    return query


def _declare_part(model: type[RequestModel], part: Part) -> tuple[Any, Any]:
    """Return the type of a parameter, and its default, description and example.

    No default that depends on the kind of dataset is declared.
    """
    infos = part.fields
    name, info = str(part.path[-1]), next(iter(infos.values()))
    if part.has_tag:
        kinds: Any = Literal[tuple(infos)]
        return kinds, Field(info.default, description="The kind of generated dataset.")
    if 0 in part.path:
        default_items = model.model_fields[str(part.path[0])].default
        return _declare(name, info, ONE_ITEM if differ(default_items, name) else "")
    defaults = {kind: each.default for kind, each in infos.items()}
    if any(default != info.default for default in defaults.values()):
        texts = " or ".join(f"{default} for {kind}" for kind, default in defaults.items())
        return _declare(name, info, f" By default {texts}.", default=None)
    is_partial = part.path[0] == "dataset" and len(infos) < len(flatten(model)["kind"].fields)
    return _declare(name, info, f" Of {' and '.join(infos)}." if is_partial else "")


def _declare(name: str, info: FieldInfo, more: str = "", **changes: Any) -> tuple[Any, Any]:
    """Return the type of a parameter, and its default, description and example."""
    item = list_item(info.annotation)
    if item is not None:
        values = [*item] if isinstance(item, EnumType) else info.default
        examples = EXAMPLES.get(name) or [[_text(value) for value in values[:2]]]
        lengths = [limit for limit in info.metadata if hasattr(limit, "max_length")]
        description = f"{info.description}{_format(item)} May be repeated."
        listed: Any = Field(default_factory=list, description=description, examples=examples)
        return Annotated[(list[_parsed(item)], *lengths)], listed  # type: ignore[misc]
    examples = info.examples or [_text(info.default)]
    attributes: dict[str, Any] = {
        "default": None if _is_model(info.annotation) else info.default,
        "description": f"{info.description}{_format(info.annotation)}{more}",
        "examples": examples,
        "json_schema_extra": info.json_schema_extra,
    }
    parsed = _parsed(info.annotation, examples=examples)
    return Annotated[(parsed, *info.metadata, PARSE_NUMBER)], Field(**attributes | changes)


def _parsed(annotation: Any, **schema: Any) -> Any:
    """Return the type of one value, which is parsed from its text if it is a model of two numbers.

    ``schema`` contains further members of its JSON schema.
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
    """Return the notation of two numbers, for a description."""
    return f" Written as {','.join(annotation.model_fields)}." if _is_model(annotation) else ""


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


class IdConvertor(StringConvertor):
    """A path convertor that matches an id without a suffix: `{run_id:id}`."""

    regex = "[^/.]+"


register_url_convertor("id", IdConvertor())


def suffix_path(suffixes: Sequence[str]) -> Any:
    """Declare a suffix. The route checks it, so an unknown one yields 404 instead of 422."""
    from fastapi import Path  # noqa: PLC0415 - takes long to import, not used by commands

    return Path(
        description="The format.",
        json_schema_extra={"enum": list(suffixes)},
        examples=[suffixes[0]],
    )


def id_path(example: str, alias: str | None = None) -> Any:
    """Declare an id. The route checks it, so a malformed one yields 404 instead of 422."""
    prefix = example.partition("_")[0]
    pattern = {"pattern": f"^{prefix}_[0-9a-f]{{32}}$"}
    from fastapi import Path  # noqa: PLC0415 - takes long to import, not used by commands

    return Path(alias=alias, description="The id.", json_schema_extra=pattern, examples=[example])


def check_suffix(suffix: str, suffixes: Sequence[str], options: PictureQuery | None = None) -> None:
    """Raise NotFound for an unknown suffix, or Invalid for a picture option of another file.

    An option that equals its default is ignored, because generated clients send all options.
    """
    if suffix not in suffixes:
        listed = ", ".join(suffixes)
        detail = f"there is no format {suffix[:20]!r}; the formats of this resource are {listed}"
        raise NotFound(detail, known=list(suffixes))
    if suffix not in PICTURE_FORMATS and options is not None:
        for name, info in options.options_model.model_fields.items():
            if getattr(options, name) != info.default:
                raise Invalid(f"{name} applies to pictures, not to {suffix}", parameter=name)
