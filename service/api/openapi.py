"""Additions to the OpenAPI schema that FastAPI generates."""

from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
from pydantic import BaseModel

from service.api.access import PROBES, needs_key
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
    RANGE,
    RATE_LIMITED,
    TOO_LARGE,
    UNAUTHORIZED,
    UNAVAILABLE,
    URL_TOO_LONG,
    ProblemType,
)
from service.api.errors import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from service.api.generators import for_generators
from service.api.responses import MEDIA_TYPES
from service.schemas.datasets import DatasetRequest
from service.schemas.problems import Problem

# By response model; scripts/response_examples.py writes them.
EXAMPLES: Final = Path(__file__).with_name("response_examples.json")

Responses: TypeAlias = dict[int | str, dict[str, Any]]


def _headers(**descriptions: str) -> dict[str, Any]:
    return {
        name.replace("_", "-"): {"schema": {"type": "string"}, "description": description}
        for name, description in descriptions.items()
    }


# The problems of routes that read a body, read query parameters, use the database, or store.
BODY = (MALFORMED, TOO_LARGE, MEDIA, INVALID, LIMIT, BUSY, FULL)
QUERY = (INVALID, LIMIT, BUSY)
STORE = (NOT_FOUND, UNAVAILABLE)
# Those of every operation except the probes.
ACCESS = (UNAUTHORIZED, FORBIDDEN, RATE_LIMITED)
KEY_SCHEME = "ApiKey"
KEEP = (CONFLICT, UNAVAILABLE, FULL)

# A JSON response with an ETag.
ITEM: Responses = {
    200: {"description": "Success.", "headers": _headers(ETag="Identifies the content.")},
    304: {"description": "Not modified."},
}

RETRY_AFTER = "Seconds to wait before trying again."
JOB_HEADERS = _headers(
    Location="The path of the resource.",
    Retry_After=RETRY_AFTER,
    Preference_Applied="The preferences of the request that were applied.",
)
# Of every response of a status.
HEADERS = {
    "201": _headers(Location="The path of the resource."),
    "429": _headers(
        Retry_After=RETRY_AFTER,
        RateLimit_Policy="The quota of the exceeded policy, and its window.",
        RateLimit="What remains of the quota.",
    ),
    "503": _headers(Retry_After=RETRY_AFTER),
}

# In the order in which a newcomer needs them.
TAGS = {
    "Training": "Train the network, follow its progress, and look at its path over the cost. "
    "A run has the id of its request, so a repeated request returns the same run.",
    "Prediction": "Run the network over sequences.",
    "Gradients": "Trace the gradient back through time, where it vanishes or explodes.",
    "Cost surface": "The cost over both weights, as numbers and as pictures, and its optimum.",
    "Basin maps": "Train from every point of a grid: where does training succeed?",
    "Fits": "Fit the recurrence to your own sequences: its weights, and their intervals.",
    "Datasets": "Store sequences, with one target each or one at every step, to use them by their "
    "id.",
    "Operations": "Whether the service is alive and ready.",
}

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
    content = {MEDIA_TYPES[suffix].partition(";")[0]: binary for suffix in suffixes}
    etag = "Identifies the content."
    return {
        200: {
            "description": "The file, in the format of the suffix.",
            "content": content,
            "headers": _headers(ETag=etag),
        },
        206: {
            "description": "The part of the file that the header `Range` of a GET asks for.",
            "content": content,
            "headers": _headers(ETag=etag, Content_Range="The positions, and the length."),
        },
        304: {"description": "Not modified."},
        **problem_responses(RANGE, FULL),
    }


def reference(model: type[BaseModel]) -> dict[str, Any]:
    """Return the reference to a model's schema."""
    return {"$ref": REF_TEMPLATE.format(model=model.__name__)}


def complete_schema(schema: dict[str, Any], *, has_keys: bool) -> dict[str, Any]:
    """Add what FastAPI cannot infer to the schema of the application, and sort it."""
    models = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's, which are never sent
        models.pop(name, None)
    # FastAPI does not know the body of the route that also accepts files.
    dataset = DatasetRequest.model_json_schema(ref_template=REF_TEMPLATE)
    models |= {**dataset["$defs"], **models}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            access = () if path in PROBES else ACCESS
            has_query = any(each["in"] == "query" for each in operation.get("parameters", []))
            url = (URL_TOO_LONG,) if has_query else ()
            operation["responses"] |= problem_responses(MALFORMED, *url, *access)
            if not needs_key(path):
                operation["security"] = []
            for parameter in operation.get("parameters", []):
                _complete_parameter(parameter)
                if method == "delete":  # what a visitor would delete may be everybody's
                    parameter.pop("example", None)
            operation["responses"] = _complete_responses(operation["responses"])
    for name, example in orjson.loads(EXAMPLES.read_bytes()).items():
        models[name]["examples"] = [example]
    schema["paths"] = dict(sorted(schema["paths"].items(), key=_reading_order))
    schema["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    schema["security"] = [{KEY_SCHEME: []}] if has_keys else []
    if has_keys:
        schema["components"]["securitySchemes"] = {KEY_SCHEME: {"type": "http", "scheme": "bearer"}}
    return for_generators(schema)


def _reading_order(item: tuple[str, dict[str, Any]]) -> tuple[int, bool, bool, str]:
    """Return the position of a path: by tag, creation first, and deletion last."""
    path, operations = item
    first = next(iter(operations.values()))
    is_item = path.endswith("_id}")
    return list(TAGS).index(first["tags"][0]), "post" not in operations, is_item, path


def _complete_parameter(parameter: dict[str, Any]) -> None:
    """Remove what the parameter itself says from its schema, and add examples.

    Swagger UI fills in ``example``, so only parameters of the path have it.
    """
    schema = parameter["schema"]
    schema.pop("title", None)
    schema.pop("description", None)
    if schema.get("default") in (None, []):  # which stand for another default
        schema.pop("default", None)
    if "examples" not in schema and "default" in schema:
        schema["examples"] = [schema["default"]]
    if parameter["in"] == "path":
        parameter["example"] = schema["examples"][0]


def _complete_responses(responses: dict[str, Any]) -> dict[str, Any]:
    responses = {str(status): response for status, response in responses.items()}
    # Every route rejects unknown query parameters.
    if PROBLEM_MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses["422"] = problem_responses(INVALID)[422]
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = "Success."
        if status in HEADERS:
            response["headers"] = HEADERS[status]
    return dict(sorted(responses.items()))
