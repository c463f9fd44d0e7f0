"""Write ``openapi.md``, the OpenAPI schema as Markdown: ``python -m scripts.openapi [FILE]``."""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from scripts.openapi_models import (
    Schema,
    anchor,
    describe_model,
    describe_value,
    format_type,
    make_table,
)
from service.api.errors import CONNECTION_PROBLEMS, PROBLEM_TYPES
from service.app import create_app
from service.settings import Settings

INTRODUCTION = Path(__file__).with_name("openapi_introduction.md")

PROBLEMS = """\
Errors are `application/problem+json` (RFC 9457). `detail` explains what is wrong with the request.
`errors` lists the invalid fields, each with an RFC 6901 `pointer` into the JSON body, and the
invalid query parameters, each with its name as `parameter`. `/inputs/2/1` is the second number of
the third sequence. Problems are not cached. A 429 or 503 has a `Retry-After` header. A body must
not contain `NaN`, `Infinity` or a number that overflows float64 (400). A number that underflows is
0. `job` and `worker-lost` occur only in the `error` of a failed job.
"""

MANY = 3  # operations with a parameter that is described once
DESCRIBED_BY_RULES = {"206", "304"}


def openapi_schema() -> Schema:
    """Return the OpenAPI schema of the service with its default settings."""
    return create_app(Settings.model_construct()).openapi()


def openapi_markdown() -> str:
    """Return the schema as Markdown: operations by life cycle, then problems, then models."""
    schema = openapi_schema()
    shared = _shared_parameters(schema)
    shown: set[str] = set()
    common, with_body = _common_problems(schema)
    texts = {tag["name"]: tag["description"] for tag in schema["tags"]}
    parts = [INTRODUCTION.read_text(encoding="utf-8"), "## All operations\n", *_contents(schema)]
    parts.append("## Common parameters\n")
    parts.extend(line for _, _, line in shared)
    parts.append("")
    for tag, operations in _by_tag(schema).items():
        parts.append(f"## {tag}\n\n{texts[tag]}\n")
        for path, method, operation in operations:
            parts.extend(_operation(path, method, operation, shared))
            parts.extend(_bodies(operation, shown))
            parts.extend(_responses(operation, common | with_body))
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
    parts.append(make_table(("type", "status", "title"), rows))
    parts.append("## Models\n")
    for name, model in sorted(schema["components"]["schemas"].items()):
        parts.extend(describe_model(name, model))
    return "\n".join(parts).rstrip() + "\n"


def _by_tag(schema: Schema) -> dict[str, list[tuple[str, str, Schema]]]:
    tags: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append((path, method.upper(), operation))
    return {tag: sorted(operations, key=_stage) for tag, operations in tags.items()}


def _stage(item: tuple[str, str, Schema]) -> tuple[int, str]:
    """Return the position of an operation in the life cycle of a resource."""
    path, method, _ = item
    stages = (
        method == "POST" and "_id}" not in path,  # create
        method == "GET" and "_id}" not in path,  # list
        method == "GET" and path.endswith("_id}"),
        path.endswith("/events"),
        method == "GET",  # results
        path.endswith("/cancel"),
        method == "DELETE",
    )
    return stages.index(True), path


def _shared_parameters(schema: Schema) -> list[tuple[str, ...]]:
    """Return the rows of the parameters that many operations have."""
    rows = Counter(
        _parameter(parameter)
        for methods in schema["paths"].values()
        for operation in methods.values()
        for parameter in operation.get("parameters", [])
    )
    return [row for row, n_operations in rows.items() if n_operations >= MANY]


def _contents(schema: Schema) -> Iterator[str]:
    rows = [
        (f"[`{method} {path}`](#{anchor(f'{method} {path}')})", operation["summary"])
        for operations in _by_tag(schema).values()
        for path, method, operation in operations
    ]
    yield make_table(("operation", "summary"), rows)


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


def _operation(
    path: str, method: str, operation: Schema, shared: Sequence[tuple[str, ...]]
) -> Iterator[str]:
    yield f"### {method} {path}\n"
    summary = operation["summary"]
    yield f"{summary}{'' if summary.endswith('?') else '.'} {operation.get('description', '')}\n"
    rows = [*map(_parameter, operation.get("parameters", []))]
    own = [row for row in rows if row not in shared]
    yield from (line for _, _, line in own)
    if own:
        yield ""
    common = ", ".join(row[0] for row in rows if row in shared and row[1] != "path")
    if common:
        yield f"[Common parameters](#common-parameters): {common}\n"


def _bodies(operation: Schema, shown: set[str]) -> Iterator[str]:
    """Yield the bodies of an operation, and the examples that no earlier operation has."""
    body = operation.get("requestBody", {}).get("content", {})
    types: dict[str, list[str]] = {}
    for media_type, described in body.items():
        types.setdefault(format_type(described["schema"]), []).append(f"`{media_type}`")
    for kind, media_types in types.items():
        yield f"Body ({', '.join(media_types)}): {kind}\n"
    for described in body.values():
        for example in _examples(described):
            if example not in shown:
                shown.add(example)
                yield example


def _responses(operation: Schema, common: set[str]) -> Iterator[str]:
    yield "Responses:\n"
    for status, response in operation["responses"].items():
        if int(status) >= 400 or status in DESCRIBED_BY_RULES:
            continue
        kinds = ", ".join(
            f"`{media_type}`" + (f" {format_type(c['schema'])}" if _named(c.get("schema")) else "")
            for media_type, c in response.get("content", {}).items()
        )
        text = response["description"].rstrip(".")
        yield f"- **{status}** {text}" + (f": {kinds}" if kinds else "")
    others = _slugs(_problems(operation) - common)
    yield f"- Problems: {others}\n" if others else ""


def _parameter(parameter: Schema) -> tuple[str, ...]:
    """Return the name and the place of a parameter, and its whole line."""
    schema = parameter["schema"]
    notes = describe_value(schema, required=parameter.get("required", False))
    description = parameter.get("description", "")
    name = f"`{parameter['name']}`"
    for example in schema.get("examples", []):
        values = example if isinstance(example, list) else [example]
        spelled = "&".join(f"{parameter['name']}={value}" for value in values)
        description += f" Example: `{spelled if parameter['in'] == 'query' else example}`"
    place = parameter["in"]
    return name, place, f"- {name} ({place}, {notes}): {description}"


def _named(schema: Schema | None) -> bool:
    return bool(schema) and schema is not None and "format" not in schema


def _examples(described: Schema) -> Iterator[str]:
    for example in described.get("examples", {}).values():
        if not example["value"]:
            continue
        text = json.dumps(example["value"], ensure_ascii=False)
        yield f"{example['summary']}: `{text}`\n"


if __name__ == "__main__":
    Path(*sys.argv[1:2] or ["openapi.md"]).write_text(openapi_markdown(), encoding="utf-8")
