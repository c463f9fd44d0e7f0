"""The base class of query parameters, and how they are read and described.

FastAPI takes 5 µs to read each declared parameter, which would be a third of the time of a cached
picture with 18 of them. So routes that GET requests read theirs with `QueryModel.read`.
"""

from typing import Any, Self, get_origin

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from service.schemas import json_numbers
from service.schemas.base import NUMBER
from service.schemas.json_numbers import Underflow


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
        numbers = [name for name, info in cls.model_fields.items() if NUMBER in info.metadata]
        return values | {name: parse_number(values[name]) for name in numbers if name in values}


def parse_number(text: Any) -> Any:
    """Return the number that a text spells in JSON, or the text if it is not a number."""
    try:
        value = json_numbers.parse_number(text)
    except orjson.JSONDecodeError:
        return text
    is_number = isinstance(value, (int, float, Underflow)) and not isinstance(value, bool)
    return value if is_number else text


def pair_of(first: str, second: str, **more: Any) -> tuple[BeforeValidator, WithJsonSchema]:
    """Return the metadata of a parameter with two numbers, such as ``2,0.5``."""

    def parse(text: Any) -> Any:
        parts = str(text).split(",")
        if len(parts) != 2:
            raise PydanticCustomError("pair", f"Input should be two numbers, {first},{second}")
        return {first: parse_number(parts[0]), second: parse_number(parts[1])}

    schema = {"type": "string", "pattern": "^[^,]+,[^,]+$", **more}
    return BeforeValidator(parse), WithJsonSchema(schema)
