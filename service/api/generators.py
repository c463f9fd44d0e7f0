"""What generators of clients need in the OpenAPI schema, beyond what Pydantic writes."""

import re
from collections.abc import Iterator
from typing import Any, Final

# The same numbers in languages whose default is a smaller type, such as Go.
FORMATS: Final = {"number": "double", "integer": "int64"}
LINE_END: Final = re.compile(r"(?<!\n)\n(?!\n)")  # in a paragraph
VALUES: Final = {"example", "examples", "default", "enum", "const", "mapping"}


def for_generators(document: dict[str, Any]) -> dict[str, Any]:
    """Change the schemas of a document in place, and return it.

    - Numbers have a format.
    - A paragraph of a description is one line.
    - The fields of models have no title, from which generators would make colliding names.
    - A default that is an object or a list, or of a union, becomes an example. Generators cannot
      represent it.
    - The field that tells the members of a union apart is required. The service fills it in.
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
