"""Additions to the OpenAPI schema that FastAPI generates."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson

from service.api import errors
from service.api.access import PROBES, needs_key
from service.api.errors import MEDIA_TYPE as PROBLEM_MEDIA_TYPE
from service.api.errors import ProblemType
from service.api.examples import file_examples
from service.api.responses import MEDIA_TYPES
from service.formats import CSV
from service.schemas.datasets import DatasetRequest
from service.schemas.problems import Problem

# By response model; scripts/response_examples.py writes them.
EXAMPLES: Final = Path(__file__).with_name("response_examples.json")

Responses: TypeAlias = dict[int | str, dict[str, Any]]


# Of responses, by name.
HEADER_TEXTS: Final = {
    "ETag": "Identifies the content.",
    "Content-Range": "The positions, and the length.",
    "Location": "The path of the resource.",
    "Retry-After": "Seconds to wait before trying again.",
    "Preference-Applied": "The preferences of the request that were applied.",
    "RateLimit-Policy": "The quota of the exceeded policy, and its window.",
    "RateLimit": "The remaining quota.",
}


def _headers(*names: str) -> dict[str, Any]:
    return {
        name: {"schema": {"type": "string"}, "description": HEADER_TEXTS[name]} for name in names
    }


KEY_SCHEME = "ApiKey"
# A JSON response with an ETag.
ITEM: Responses = {
    200: {"description": "Success.", "headers": _headers("ETag")},
    304: {"description": "Not modified."},
}
JOB_HEADERS = _headers("Location", "Retry-After", "Preference-Applied")
# For every response of a status.
HEADERS = {
    "201": _headers("Location"),
    "429": _headers("Retry-After", "RateLimit-Policy", "RateLimit"),
    "503": _headers("Retry-After"),
}
EVENTS: Responses = {
    200: {
        "description": "`progress` events with `done` and `total`, as in the field `progress`; the "
        "event id is `done`. For training runs they also have the latest `cost` and `weights`, "
        "which are null for others. A comment every 15 seconds. At the end, one `done` event with "
        "the computation.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The `done` event has already been sent."},
}

# In the order in which a new user needs them.
TAGS = {
    "Training": "Train the network, follow its progress, and draw its path on the cost surface. "
    "The id of a run is a hash of its request, so a repeated request returns the same run.",
    "Prediction": "Run the network over sequences.",
    "Gradients": "Trace the gradient back through time, where it vanishes or explodes.",
    "Cost surface": "The cost as a function of both weights, as numbers or pictures; its optimum.",
    "Basin maps": "Train from every point of a grid: where does training succeed?",
    "Fits": "Fit the recurrence to your own sequences: its weights, and their intervals.",
    "Datasets": "Store sequences, with one target each or one at every step, to use them by their "
    "id.",
    "Operations": "Liveness, readiness and metrics of the service.",
}

REF_TEMPLATE = "#/components/schemas/{model}"
BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
PROBLEM_SCHEMA = {"$ref": REF_TEMPLATE.format(model=Problem.__name__)}
# Formats for languages with a smaller default type, such as Go.
FORMATS: Final = {"number": "double", "integer": "int64"}
LINE_END: Final = re.compile(r"(?<!\n)\n(?!\n)")  # in a paragraph
VALUES: Final = {"example", "examples", "default", "enum", "const", "mapping"}


def problem_responses(*kinds: ProblemType) -> Responses:
    """Describe the problems of an operation."""
    by_status: dict[int, list[ProblemType]] = {}
    for kind in dict.fromkeys(kinds):
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: {
            "description": "; ".join(f"{kind.title} (`{kind.slug}`)" for kind in alike),
            "content": {PROBLEM_MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status, alike in sorted(by_status.items())
    }


def file_bodies(media_types: Iterable[str]) -> dict[str, Any]:
    """Describe the files that a request may contain, of which CSV is text and has examples."""
    table = {"schema": {"type": "string"}, "examples": file_examples(CSV.media_type)}
    return {**dict.fromkeys(media_types, BINARY), CSV.media_type: table}


def file_responses(*suffixes: str) -> Responses:
    """Describe a response that is a picture, a table or an archive."""
    content = {MEDIA_TYPES[suffix].partition(";")[0]: BINARY for suffix in suffixes}
    return {
        200: {
            "description": "The file, in the format of the suffix.",
            "content": content,
            "headers": _headers("ETag"),
        },
        206: {
            "description": "The part of a table or an archive that the header `Range` of a GET "
            "selects; pictures are sent whole.",
            "content": content,
            "headers": _headers("ETag", "Content-Range"),
        },
        304: {"description": "Not modified."},
    }


def complete_schema(schema: dict[str, Any], *, has_keys: bool) -> dict[str, Any]:
    """Complete the schema of the application, and sort it."""
    models = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # never sent
        models.pop(name, None)
    # FastAPI cannot infer the body of the route that also accepts files.
    dataset = DatasetRequest.model_json_schema(ref_template=REF_TEMPLATE)
    models |= {**dataset["$defs"], **models}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if not needs_key(path):
                operation["security"] = []
            _complete_summary(operation)
            for parameter in operation.get("parameters", []):
                _complete_parameter(parameter)
                if method == "delete":  # a visitor could delete data of other users
                    parameter.pop("example", None)
            _complete_responses(path, method, operation)
    for name, example in orjson.loads(EXAMPLES.read_bytes()).items():
        models[name]["examples"] = [example]
    schema["paths"] = dict(sorted(schema["paths"].items(), key=_reading_order))
    schema["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    schema["security"] = [{KEY_SCHEME: []}] if has_keys else []
    if has_keys:
        schema["components"]["securitySchemes"] = {KEY_SCHEME: {"type": "http", "scheme": "bearer"}}
    return _for_generators(schema)


def _reading_order(item: tuple[str, dict[str, Any]]) -> tuple[int, bool, bool, str]:
    """Return the position of a path: by tag, creation first, and deletion last."""
    path, operations = item
    first = next(iter(operations.values()))
    is_item = path.endswith("_id}")
    return list(TAGS).index(first["tags"][0]), "post" not in operations, is_item, path


def _complete_parameter(parameter: dict[str, Any]) -> None:
    """Remove duplicates of the parameter from its schema, and add examples.

    Swagger UI fills in ``example``, so only path parameters have it.
    """
    schema = parameter["schema"]
    schema.pop("title", None)
    schema.pop("description", None)
    if schema.get("default") in (None, []):  # placeholders of other defaults
        schema.pop("default", None)
    if "examples" not in schema and "default" in schema:
        schema["examples"] = [schema["default"]]
    if parameter["in"] == "path":
        parameter["example"] = schema["examples"][0]


def _complete_summary(operation: dict[str, Any]) -> None:
    """Take the summary of an operation from the first paragraph of several, or from its name."""
    words = operation["operationId"].replace("_", " ")
    if operation["summary"] == words.title():  # FastAPI's default description
        first, separator, rest = operation["description"].partition("\n\n")
        verb, _, noun = words.capitalize().partition(" ")
        named = f"{verb} {noun}" if noun.endswith("s") else f"{verb} a {noun}"
        operation["summary"] = first.removesuffix(".") if separator else named
        operation["description"] = rest if separator else first


def _complete_responses(path: str, method: str, operation: dict[str, Any]) -> None:
    described = operation["responses"] | problem_responses(*_find_problems(path, method, operation))
    responses = {str(status): response for status, response in described.items()}
    for status, response in responses.items():
        if response["description"] == "Successful Response":
            response["description"] = "Success."
        if status in HEADERS:
            response["headers"] = HEADERS[status]
    operation["responses"] = dict(sorted(responses.items()))


def _find_problems(path: str, method: str, operation: dict[str, Any]) -> list[ProblemType]:
    """Return the types of the problems that an operation may respond with."""
    query = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    has_body, is_file = "requestBody" in operation, "206" in operation["responses"]
    names_resource = has_body or "dataset" in query or "{" in path
    kinds = [errors.MALFORMED, errors.INVALID]
    if path not in PROBES:
        kinds += [errors.UNAUTHORIZED, errors.FORBIDDEN, errors.RATE_LIMITED]
    if query:
        kinds.append(errors.URL_TOO_LONG)
    if query or names_resource:
        kinds.append(errors.UNAVAILABLE)
    if names_resource:
        kinds += [errors.NOT_FOUND, errors.CONFLICT]
    if has_body or is_file or "dataset" in query:
        kinds += [errors.LIMIT, errors.BUSY, errors.FULL]
    if has_body:
        kinds += [errors.TOO_LARGE, errors.MEDIA]
    if is_file:
        kinds.append(errors.RANGE)
    if method == "delete":
        kinds.append(errors.PRECONDITION)
    return kinds


def _for_generators(document: dict[str, Any]) -> dict[str, Any]:
    """Change the schemas of a document in place, and return it.

    - Numbers have a format.
    - A paragraph of a description is one line.
    - The fields of models have no title, from which generators would derive colliding names.
    - A default that is an object or a list, or of a union, becomes an example. Generators cannot
      represent it.
    - The discriminator of a union is required, although the service infers it.
    """
    models = document["components"]["schemas"]
    for schema in _schemas(document):
        if isinstance(schema.get("description"), str):
            schema["description"] = LINE_END.sub(" ", schema["description"])
        kind = schema.get("type")
        if isinstance(kind, str) and kind in FORMATS:
            schema.setdefault("format", FORMATS[kind])
        for field in schema.get("properties", {}).values():
            if field.get("additionalProperties") is not True:
                field.pop("title", None)
        default = schema.get("default")
        is_of_union = default is not None and "anyOf" in schema
        if isinstance(default, (dict, list)) or is_of_union:
            schema.setdefault("examples", [schema.pop("default")])
        if "discriminator" in schema:
            tag = schema["discriminator"]["propertyName"]
            for reference in schema["discriminator"]["mapping"].values():
                _require(models[reference.rpartition("/")[2]], tag)
    return document


def _require(model: dict[str, Any], field: str) -> None:
    model["properties"][field].pop("default", None)
    model["required"] = [field, *(name for name in model.get("required", []) if name != field)]


def _schemas(value: Any, *, is_map: bool = False) -> Iterator[dict[str, Any]]:
    """Yield every object of a document, except values and the maps of names to fields."""
    if isinstance(value, list):
        for item in value:
            yield from _schemas(item)
    elif isinstance(value, dict):
        if not is_map:
            yield value
        for key, item in value.items():
            if is_map or key not in VALUES:
                yield from _schemas(item, is_map=not is_map and key == "properties")
