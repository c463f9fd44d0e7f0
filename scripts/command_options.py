"""Write the options of the commands, ``service/cli/commands.json``, from the models of requests.

``python -m scripts.command_options [FILE]``. They have the names of query parameters. The command
line reads the file, because deriving the options would take longer than most of its errors.
"""

import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import TypeAdapter

from service.cli.tasks import TASKS, Task
from service.operations.shared.flat import Part, flatten

Schema: TypeAlias = dict[str, Any]

FILE: Final = Path(__file__).parents[1] / "service/cli/commands.json"
METAVARS: Final = {"boolean": "true", "integer": "INTEGER", "number": "NUMBER", "string": "TEXT"}
# Fields that are arguments of the command, or apply to the service alone.
OMITTED: Final = {
    "train": {"keep"},
    "fit": {"keep", "dataset"},
    "forecast": {"keep", "dataset"},
    "predict": {"inputs", "model", "continue"},
    "surface": {"runs"},
}
# Keywords of JSON schema, and the arguments of click.FloatRange.
BOUNDS: Final = {
    "minimum": ("min", "min_open", False),
    "exclusiveMinimum": ("min", "min_open", True),
    "maximum": ("max", "max_open", False),
    "exclusiveMaximum": ("max", "max_open", True),
}
OF_UPLOADS: Final = {"kind", "name", "roles"}


def derive_commands() -> dict[str, Schema]:
    """Return the suffixes of the files of every command, and its options, by its name."""
    return {
        name: {"suffixes": task.suffixes, "options": [*_options(name, task)]}
        for name, task in TASKS.items()
    }


def _options(name: str, task: Task) -> Iterator[Schema]:
    for form, model in task.forms.items():
        omitted = OF_UPLOADS if form == "columns" else OMITTED.get(name, set())
        for part_name, part in flatten(model).items():
            if part.path[0] not in omitted:
                yield from ({"form": form, **option} for option in _derive(part_name, part))


def _derive(name: str, part: Part) -> Iterator[Schema]:
    """Yield the option of a part, and one for false if a number is valid instead of true."""
    first, *others = part.fields.values()
    annotated: Any = Annotated[first.annotation, first]
    schema = TypeAdapter(annotated).json_schema()
    kinds, is_list = _kinds(schema, schema.get("$defs", {}))
    types = [kind.get("type") for kind in kinds]
    words = [*part.fields] if part.has_tag else [word for kind in kinds for word in _words(kind)]
    pairs = [list(kind["properties"]) for kind in kinds if "properties" in kind]
    is_map = types == ["object"] and not pairs
    flag = f"--{name.removesuffix('s') if is_map else name}".replace("_", "-")
    if any(info.default != first.default for info in others) and not part.has_tag:
        del schema["default"]  # it depends on the member
    option: Schema = {
        "part": name,
        "pointer": part.pointer,
        "flag": flag,
        "help": _describe(first.description or "", schema.get("default")),
    }
    if types == ["boolean"]:
        yield {**option, "kind": "switch"}
        return
    metavars = [METAVARS[kind] for kind in types if kind in METAVARS]
    metavars += ["NAME=NUMBER"] if is_map else [":".join(pair).upper() for pair in pairs]
    option["kind"] = "map" if is_map else "text" if types == ["string"] else "value"
    is_any = types == [None] and not pairs  # such as groups of names: a text, or several
    metavars += ["TEXT"] if is_any else []
    option["repeated"] = is_list or is_map or is_any
    if all(map(_words, kinds)):
        option["choices"] = words
    else:
        option["metavar"] = "|".join(metavars)
    if types in (["integer"], ["number"]):
        option["bounds"] = _bounds(kinds[0])
    if pairs:
        option["fields"] = pairs[0]
    yield option
    if "boolean" in types:
        yield {**option, "kind": "off", "flag": f"--no-{flag[2:]}", "help": "Without it."}


def _kinds(schema: Schema, definitions: dict[str, Schema]) -> tuple[list[Schema], bool]:
    """Return the alternatives of a value other than null, and True if it is a list of them."""
    if "$ref" in schema:
        return _kinds(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if schema.get("type") == "array":
        return _kinds(schema["items"], definitions)[0], True
    members = schema.get("anyOf") or schema.get("oneOf")
    if members is None:
        return ([] if schema.get("type") == "null" else [schema]), False
    kinds, is_list = zip(*(_kinds(member, definitions) for member in members), strict=True)
    return list(chain.from_iterable(kinds)), any(is_list)


def _bounds(schema: Schema) -> dict[str, Any]:
    """Return the bounds of a number."""
    bounds: dict[str, Any] = {}
    for keyword, (end, openness, is_open) in BOUNDS.items():
        if keyword in schema:
            bounds |= {end: schema[keyword], openness: is_open}
    return bounds


def _words(schema: Schema) -> list[str]:
    """Return the valid words of a value."""
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _describe(description: str, default: Any) -> str:
    """Return the description of a field and its default, for --help."""
    text = description.replace("`", "")
    if isinstance(default, dict) and default:
        default = ":".join(map(str, default.values()))
    is_shown = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    return f"{text}  [default: {default}]" if is_shown else text


def main() -> int:
    """Write the file."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    text = json.dumps(derive_commands(), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
