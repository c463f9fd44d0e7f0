"""What operations say about themselves in the OpenAPI schema, besides their models."""

from typing import Any

from service.api.errors import (
    CONFLICT,
    FULL,
    INVALID,
    LIMIT,
    MALFORMED,
    MEDIA,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    Kind,
)
from service.api.errors import MEDIA_TYPE as PROBLEM_TYPE
from service.api.responses import MEDIA_TYPES
from service.schemas.problems import Problem

Responses = dict[int | str, dict[str, Any]]

BODY = (MALFORMED, TOO_LARGE, MEDIA, INVALID, LIMIT)
QUERY = (INVALID, LIMIT)
STORE = (NOT_FOUND, UNAVAILABLE)
KEEP = (CONFLICT, UNAVAILABLE, FULL)

_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def problems(*kinds: Kind) -> Responses:
    """Describe the problems that an operation may answer with."""
    by_status: dict[int, list[Kind]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "; ".join(f"{kind.title} (`{kind.slug}`)" for kind in alike),
            "content": {PROBLEM_TYPE: {"schema": _PROBLEM}},
        }
        for status, alike in sorted(by_status.items())
    }


def header(name: str, description: str) -> dict[str, Any]:
    """Describe a header of a response."""
    return {name: {"schema": {"type": "string"}, "description": description}}


def contents(*suffixes: str) -> Responses:
    """Describe an answer that is a picture, a table or an archive."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        200: {
            "description": "The contents, in the format of the suffix.",
            "content": {MEDIA_TYPES[suffix].partition(";")[0]: binary for suffix in suffixes},
            "headers": header("ETag", "Names these very contents."),
        },
        304: {"description": "The caller has these contents already."},
    }


def complete(schema: dict[str, Any]) -> dict[str, Any]:
    """Add to the application's schema what no single route brings, and order it."""
    shapes = schema.setdefault("components", {}).setdefault("schemas", {})
    mine = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    shapes.update(mine.pop("$defs", {}))
    shapes["Problem"] = mine
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's, of which none is sent
        shapes.pop(name, None)
    for paths in schema["paths"].values():
        for operation in paths.values():
            operation["responses"] = _answers(operation["responses"])
    schema["paths"] = dict(sorted(schema["paths"].items()))
    return schema


def _answers(responses: dict[str, Any]) -> dict[str, Any]:
    """Complete the answers of one operation."""
    # Every route refuses query parameters that it does not know.
    if PROBLEM_TYPE not in responses.get("422", {}).get("content", {}):
        responses["422"] = problems(INVALID)[422]
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = "Done." if status == "204" else "The answer."
        if status == "201":
            response["headers"] = header("Location", "Where it is now.")
        if status == "503":
            response["headers"] = header("Retry-After", "Seconds after which to try again.")
    return dict(sorted(responses.items()))
