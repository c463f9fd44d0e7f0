"""Additions to the OpenAPI schema that FastAPI generates."""

from typing import Any, TypeAlias

from pydantic import BaseModel

from service.api.errors import (
    BUSY,
    CONFLICT,
    FORBIDDEN,
    FULL,
    INVALID,
    LIMIT,
    MALFORMED,
    MEDIA,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    ProblemType,
)
from service.api.errors import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from service.api.origins import PROBES
from service.api.responses import MEDIA_TYPES
from service.schemas.predict import PredictRequest, PredictResponse
from service.schemas.problems import Problem

Responses: TypeAlias = dict[int | str, dict[str, Any]]


def _header(name: str, description: str) -> dict[str, Any]:
    return {name: {"schema": {"type": "string"}, "description": description}}


# The problems of routes that read a body, read query parameters, use the database, or store.
BODY = (MALFORMED, TOO_LARGE, MEDIA, INVALID, LIMIT, BUSY)
QUERY = (INVALID, LIMIT, BUSY)
STORE = (NOT_FOUND, UNAVAILABLE)
# Those of every operation except the probes.
ACCESS = (FORBIDDEN,)
KEEP = (CONFLICT, UNAVAILABLE, FULL)

# A JSON response with an ETag.
ITEM: Responses = {
    200: {"description": "Success.", "headers": _header("ETag", "Identifies the content.")},
    304: {"description": "Not modified."},
}

# Models that no FastAPI route declares.
MODELS: tuple[type[BaseModel], ...] = (Problem, PredictRequest, PredictResponse)
REF_TEMPLATE = "#/components/schemas/{model}"


def problem_responses(*kinds: ProblemType) -> Responses:
    """Describe the problems of an operation."""
    by_status: dict[int, list[ProblemType]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "; ".join(f"{kind.title} (`{kind.slug}`)" for kind in alike),
            "content": {PROBLEM_MEDIA_TYPE: {"schema": reference(Problem)}},
        }
        for status, alike in sorted(by_status.items())
    }


def file_responses(*suffixes: str) -> Responses:
    """Describe a response that is a picture, a table or an archive."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {
            "description": "The file, in the format of the suffix.",
            "content": {MEDIA_TYPES[suffix].partition(";")[0]: binary for suffix in suffixes},
            "headers": _header("ETag", "Identifies the content."),
        },
        304: {"description": "Not modified."},
    }


def json_body(model: type[BaseModel], examples: dict[str, Any]) -> dict[str, Any]:
    """Describe an optional body of a route that FastAPI does not read."""
    content = {"schema": reference(model), "examples": examples}
    return {"content": {"application/json": content}}


def json_response(model: type[BaseModel]) -> Responses:
    """Describe a successful JSON response."""
    content = {"application/json": {"schema": reference(model)}}
    return {200: {"description": "Success.", "content": content}}


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """Return the reference to a model's schema."""
    return {"$ref": REF_TEMPLATE.format(model=model.__name__)}


def complete_schema(schema: dict[str, Any], paths: dict[str, Any]) -> dict[str, Any]:
    """Add what FastAPI cannot infer to the schema of the application, and sort it.

    Parameters
    ----------
    paths
        The operations of plain Starlette routes.
    """
    models = schema.setdefault("components", {}).setdefault("schemas", {})
    for model in MODELS:
        own = model.model_json_schema(ref_template=REF_TEMPLATE)
        models.update(own.pop("$defs", {}))
        models[model.__name__] = own
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's, which are never sent
        models.pop(name, None)
    schema["paths"].update(paths)
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            if path not in PROBES:
                operation["responses"] |= problem_responses(*ACCESS)
            for parameter in operation.get("parameters", []):
                _complete_parameter(parameter["schema"])
            operation["responses"] = _complete_responses(operation["responses"])
    schema["paths"] = dict(sorted(schema["paths"].items()))
    return schema


def _complete_parameter(schema: dict[str, Any]) -> None:
    """Remove what the parameter itself says, and add its default as an example."""
    schema.pop("title", None)
    schema.pop("description", None)
    if schema.get("default") in (None, []):  # which stand for another default
        schema.pop("default", None)
    if "examples" not in schema and "default" in schema:
        schema["examples"] = [schema["default"]]


def _complete_responses(responses: dict[str, Any]) -> dict[str, Any]:
    responses = {str(status): response for status, response in responses.items()}
    # Every route rejects unknown query parameters.
    if PROBLEM_MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses["422"] = problem_responses(INVALID)[422]
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = "Success."
        if status == "201":
            response["headers"] = _header("Location", "The path of the resource.")
        if status == "503":
            response["headers"] = _header("Retry-After", "Seconds to wait before trying again.")
    return dict(sorted(responses.items()))
