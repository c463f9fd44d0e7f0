"""Base classes of requests and responses, and their numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar, get_args

import numpy as np
import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Item = TypeVar("Item")


def _number_only(value: Any) -> Any:
    # Lax validation would accept true and "1" for 1; strict validation would reject 142.0 for 142.
    if isinstance(value, (bool, str, bytes)):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


# Bounds must precede it: `Annotated[int, Field(ge=1), NUMBER]`. After it they would be missing from
# the JSON schema.
NUMBER = BeforeValidator(_number_only)


def parse_number(text: Any) -> Any:
    """Return the JSON number in a text, or the text if it is not a number."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return value if type(value) in {int, float} else text


# Before `NUMBER`, for numbers in a query.
PARSE_NUMBER = BeforeValidator(parse_number)
Real = Annotated[float, NUMBER]
# In responses: null where the number is not finite.
Nullable = float | None


def encode(value: Any) -> bytes:
    """Encode a response as JSON: arrays become lists, non-finite numbers become null."""
    return orjson.dumps(value, _plain, orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        has_aliases = value.model_config.get("serialize_by_alias")
        return value.model_dump() if has_aliases else value.__dict__
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)  # the only layout that orjson encodes
    raise TypeError(type(value).__name__)


@dataclass(frozen=True, eq=False)
class Tagged:
    """An annotation of a union of models: infers a missing tag from the other fields."""

    tag: str  # the discriminator
    default: str  # its default, if it cannot be inferred
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # advice, by unknown tags

    def __get_pydantic_core_schema__(self, union: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of the union, with the inference as its first step."""
        members = {}
        for model in get_args(union):
            (tag,) = get_args(model.model_fields[self.tag].annotation)
            members[tag] = model.model_fields.keys()

        def infer(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            if self.tag in value:
                advice = self.elsewhere.get(str(value[self.tag]))
                if advice is not None:
                    raise PydanticCustomError("elsewhere", advice, {"at": [self.tag]})
                return value
            given = value.keys() & set().union(*members.values())
            possible = [tag for tag, fields in members.items() if given <= fields]
            if self.default in possible:
                return {self.tag: self.default, **value}
            if len(possible) == 1:
                return {self.tag: possible[0], **value}
            names = ", ".join(map(repr, possible or members))
            message = "This field is required here; it may be {names}"
            raise PydanticCustomError("no_tag", message, {"names": names, "at": [self.tag]})

        return core_schema.no_info_before_validator_function(infer, handler(union))


class QueryModel(BaseModel):
    """Query parameters. The route rejects unknown ones."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @classmethod
    def pointers(cls) -> dict[str, str]:
        """Return the JSON pointers of the parameters that are fields of a request."""
        return {}

    def given(self, *names: str) -> dict[str, Any]:
        """Return the parameters that are in the URL."""
        return {name: getattr(self, name) for name in names if name in self.model_fields_set}


class RequestModel(BaseModel):
    """A request body. It is immutable, and unknown fields are invalid."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )


class ResponseModel(BaseModel):
    """A response body, which can be created from a result of the engine with the same attributes.

    Arrays are numpy arrays until they are encoded.
    """

    model_config = ConfigDict(
        arbitrary_types_allowed=True,
        frozen=True,
        from_attributes=True,
        use_attribute_docstrings=True,
    )


class Page(ResponseModel, Generic[Item]):
    """One page of a list, newest first."""

    items: list[Item]
    """Up to limit items."""
    next_cursor: str | None
    """Null on the last page."""
