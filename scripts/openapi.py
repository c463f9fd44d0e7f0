"""Write ``openapi.md``, the OpenAPI schema as Markdown: ``python -m scripts.openapi [FILE]``."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from service.api.errors import CONNECTION_PROBLEMS, PROBLEM_TYPES
from service.app import create_app
from service.settings import Settings

Schema = dict[str, Any]

INTRODUCTION = """\
# The API

`make openapi` generates this page from the schema at `/openapi.json`. `/docs` is the interactive
version.

    curl -X POST localhost:8000/v1/training-runs -H 'content-type: application/json' -d '{}'
    curl 'localhost:8000/v1/cost-surface.png?w_in=0,2&w_rec=0,2' -o surface.png

- Every field has a default, the value in the tutorial, except for ids and your own data. A request
  without a body reproduces the tutorial.
- GET accepts the same requests as POST, as query parameters instead of a JSON body, except an
  explicit dataset and more than one window.
- A suffix selects a format other than JSON: `.png`, `.svg` and `.pdf` are pictures, `.csv` is a
  table, `.npz` is an archive of arrays.
- Unknown fields and unknown query parameters are invalid (422).
- JSON has no infinity. A number that is not finite is null, and another field explains why.
- The id of a resource is a hash of its request or its content. A repeated request returns the same
  resource and computes nothing.
- Lists are paginated, newest first. Pass `next_cursor` as `cursor` to get the next page.
- HEAD works wherever GET does, except on event streams. Pictures, tables, archives and resources
  have an ETag. GET returns 304 if the `If-None-Match` header contains it. DELETE returns 412 if the
  request has an `If-Match` header that does not contain it.
- If the operator has set API keys, a request needs `Authorization: Bearer <key>`. A request without
  a known key returns 401. A request that stores, cancels or deletes returns 403 if the key does not
  have the scope `write`. So does a request with a foreign `Host` or from a page of another site.
- Every response has an `X-Request-ID`: that of the request (up to 128 printable ASCII characters)
  or a random one.
"""

PROBLEMS = """\
Errors are `application/problem+json` (RFC 9457). `detail` explains what is wrong with the request.
`errors` lists the invalid fields, each with an RFC 6901 `pointer` into the JSON body, and the
invalid query parameters, each with its name as `parameter`. `/inputs/2/1` is the second number of
the third sequence. Problems are not cached. A 429 or 503 has a `Retry-After` header. A body must
not contain `NaN`, `Infinity` or a number that overflows float64 (400). A number that underflows is
0. `job` and `worker-lost` occur only in the `error` of a failed job.
"""

LARGE = 1e10  # bounds from here on are shown as powers of ten

BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


def openapi_schema() -> Schema:
    """Return the OpenAPI schema of the service with its default settings."""
    return create_app(Settings.model_construct()).openapi()


def openapi_markdown() -> str:
    """Return the schema as Markdown: operations by tag, then problems, then models."""
    schema = openapi_schema()
    common, with_body = _common_problems(schema)
    texts = {tag["name"]: tag["description"] for tag in schema["tags"]}
    parts = [INTRODUCTION, *_contents(schema)]
    for tag, operations in _by_tag(schema).items():
        parts.append(f"## {tag}\n\n{texts[tag]}\n")
        for path, method, operation in operations:
            parts.extend(_operation(path, method, operation, common | with_body))
    parts.append("## Problems\n")
    parts.append(PROBLEMS)
    parts.append(f"Every operation under `/v1` may fail with {_slugs(common)}.")
    parts.append(f"An operation with a body may also fail with {_slugs(with_body)}.")
    parts.append(
        "The operations list other problems. A request that never reaches an operation may"
    )
    refused = _slugs({problem.slug for problem in CONNECTION_PROBLEMS})
    parts.append(f"fail with {refused}.\n")
    problems = sorted(PROBLEM_TYPES, key=lambda problem: problem.status)
    rows = [
        (f"`/problems/{problem.slug}`", str(problem.status), problem.title) for problem in problems
    ]
    parts.append(_table(("type", "status", "title"), rows))
    parts.append("## Models\n")
    for name, model in sorted(schema["components"]["schemas"].items()):
        parts.extend(_model(name, model))
    return "\n".join(parts).rstrip() + "\n"


def _by_tag(schema: Schema) -> dict[str, list[tuple[str, str, Schema]]]:
    tags: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append((path, method.upper(), operation))
    return tags


def _contents(schema: Schema) -> Iterator[str]:
    rows = [
        (f"[`{method} {path}`](#{_anchor(f'{method} {path}')})", operation["summary"])
        for operations in _by_tag(schema).values()
        for path, method, operation in operations
    ]
    yield _table(("operation", "summary"), rows)


def _anchor(heading: str) -> str:
    allowed = (c for c in heading.lower() if c.isalnum() or c in "-_ ")
    return "".join(allowed).replace(" ", "-")


def _common_problems(schema: Schema) -> tuple[set[str], set[str]]:
    """Return the problems of all operations under /v1, and the others of all with a body."""
    operations = [
        operation
        for path, methods in schema["paths"].items()
        for operation in methods.values()
        if path.startswith("/v1/")
    ]
    every = set.intersection(*map(_problems, operations))
    bodies = [_problems(operation) for operation in operations if "requestBody" in operation]
    return every, set.intersection(*bodies) - every


def _problems(operation: Schema) -> set[str]:
    """Return the slugs of the problems of an operation."""
    slugs: set[str] = set()
    for response in operation["responses"].values():
        slugs.update(re.findall(r"\(`([a-z-]+)`\)", response["description"]))
    return slugs


def _slugs(slugs: Iterable[str]) -> str:
    """Return problems with their statuses, by status."""
    kinds = sorted(
        (problem.status, problem.slug) for problem in PROBLEM_TYPES if problem.slug in slugs
    )
    return ", ".join(f"`{slug}` ({status})" for status, slug in kinds)


def _operation(path: str, method: str, operation: Schema, common: set[str]) -> Iterator[str]:
    yield f"### {method} {path}\n"
    summary = operation["summary"]
    yield f"{summary}{'' if summary.endswith('?') else '.'} {operation.get('description', '')}\n"
    parameters = operation.get("parameters", [])
    if parameters:
        head = ("parameter", "in", "type", "default", "bounds", "description")
        yield _table(head, map(_parameter, parameters))
    body = operation.get("requestBody", {}).get("content", {})
    for media_type, described in body.items():
        yield f"Body (`{media_type}`): {_type(described['schema'])}\n"
        yield from _examples(described)
    yield "Responses:\n"
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            continue
        kinds = ", ".join(
            f"`{media_type}`" + (f" {_type(c['schema'])}" if _named(c.get("schema")) else "")
            for media_type, c in response.get("content", {}).items()
        )
        text = response["description"].rstrip(".")
        yield f"- **{status}** {text}" + (f": {kinds}" if kinds else "")
    others = _slugs(_problems(operation) - common)
    yield f"- Problems: {others}\n" if others else ""


def _one_line(numbers: re.Match[str]) -> str:
    return f"[{' '.join(numbers[1].split())}]"


def _parameter(parameter: Schema) -> tuple[str, ...]:
    schema = parameter["schema"]
    default = "required" if parameter.get("required") else _default(schema)
    description = parameter.get("description", "")
    name = f"`{parameter['name']}`"
    for example in schema.get("examples", []):
        values = example if isinstance(example, list) else [example]
        spelled = "&".join(f"{parameter['name']}={value}" for value in values)
        description += f" Example: `{spelled if parameter['in'] == 'query' else example}`"
    return name, parameter["in"], _type(schema), default, _bounds(schema), description


def _examples(described: Schema) -> Iterator[str]:
    for example in described.get("examples", {}).values():
        text = json.dumps(example["value"], ensure_ascii=False)
        yield f"{example['summary']}: `{text}`\n"


def _model(name: str, model: Schema) -> Iterator[str]:
    yield f"### {name}\n"
    if "description" in model:
        yield model["description"].strip() + "\n"
    if "oneOf" in model:
        yield f"{_type(model)}.\n"
    if "enum" in model:
        yield "One of " + ", ".join(f"`{value}`" for value in model["enum"]) + ".\n"
    required = set(model.get("required", []))
    rows = [
        (
            f"`{field}`",
            _type(schema),
            "required" if field in required else _default(schema),
            _bounds(schema),
            schema.get("description", ""),
        )
        for field, schema in model.get("properties", {}).items()
    ]
    if rows:
        yield _table(("field", "type", "default", "bounds", "description"), rows)
    for example in model.get("examples", []):
        text = json.dumps(example, indent=2, ensure_ascii=False)
        flat = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", _one_line, text)
        yield f"Example:\n\n```json\n{flat}\n```\n"


def _named(schema: Schema | None) -> bool:
    return bool(schema) and schema is not None and "format" not in schema


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(map(_type, schema[union])))
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if values:
        return " or ".join(f"`{value}`" for value in values)
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(kind)


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return "`null`" if {"type": "null"} in schema.get("anyOf", []) else ""
    return f"`{json.dumps(schema['default'], ensure_ascii=False)}`"


def _bounds(schema: Schema) -> str:
    bounds = [_bound(text, schema[key]) for key, text in BOUNDS.items() if key in schema]
    for union in ("anyOf", "oneOf"):
        bounds += filter(None, map(_bounds, schema.get(union, [])))
    return ", ".join(bounds)


def _bound(text: str, value: float | str) -> str:
    # FastAPI turns the bounds of integers into floats.
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < LARGE else f"{value:g}"
    bound = text.format(value)
    return bound.removesuffix("s") if value == 1 else bound


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    cells = (tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"


if __name__ == "__main__":
    Path(*sys.argv[1:2] or ["openapi.md"]).write_text(openapi_markdown(), encoding="utf-8")
