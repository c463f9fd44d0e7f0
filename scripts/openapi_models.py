"""The models of an OpenAPI schema as Markdown."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

Schema = dict[str, Any]

LINK = re.compile(r"\[(\w+)\]\(#\w+\)")
MODEL_WITH_EXAMPLE = "TrainingRun"  # the schema has examples of all others
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


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    allowed = (c for c in heading.lower() if c.isalnum() or c in "-_ ")
    return "".join(allowed).replace(" ", "-")


def _one_line(numbers: re.Match[str]) -> str:
    return f"[{' '.join(numbers[1].split())}]"


def describe_model(name: str, model: Schema) -> Iterator[str]:
    """Yield the parts of the section of a model."""
    yield f"### {name}\n"
    if "description" in model:
        yield model["description"].strip() + "\n"
    if "oneOf" in model:
        yield f"{format_type(model)}.\n"
    if "enum" in model:
        yield "One of " + ", ".join(f"`{value}`" for value in model["enum"]) + ".\n"
    fields = model.get("properties", {})
    is_request = model.get("additionalProperties") is False
    required = set(model.get("required", [])) if is_request else set()
    for field, schema in fields.items():
        notes = describe_value(schema, required=field in required, has_default=is_request)
        without_links = LINK.sub(r"\1", notes)
        yield f"- `{field}` ({without_links}): {schema.get('description', '')}"
    if fields:
        yield ""
    for example in model.get("examples", []) if name == MODEL_WITH_EXAMPLE else ():
        text = json.dumps(example, indent=2, ensure_ascii=False)
        flat = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", _one_line, text)
        yield f"Example:\n\n```json\n{flat}\n```\n"


def describe_value(schema: Schema, *, required: bool, has_default: bool = True) -> str:
    """Return the type of a value, its default and its bounds."""
    default = _default(schema) if has_default else ""
    notes = (format_type(schema), default and f"default {default}", _bounds(schema))
    return ", ".join(filter(None, (*notes, "required" if required else "")))


def format_type(schema: Schema) -> str:
    """Return the type of a value, with links to models."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{anchor(name)})"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(dict.fromkeys(map(format_type, schema[union])))
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    if values:
        return " or ".join(f"`{value}`" for value in values)
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {format_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {format_type(schema['additionalProperties'])}"
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


def make_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table."""
    lines = [head, ("---",) * len(head), *rows]
    cells = (tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in lines)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells) + "\n"
