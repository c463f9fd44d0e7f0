"""The options of the commands, ``service/cli/commands.json``, from the models of requests.

They have the names of query parameters. The command line reads the file, because deriving the
options would take longer than most of its errors.
"""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, TypeAdapter, ValidationError

from service.cli.options import HINTS
from service.cli.tasks import TASKS, Task
from service.engine.training import OPTIMIZERS
from service.formats.queries import DatasetQuery
from service.operations.shared.flat import Part, flatten
from service.schemas.plans import GoalSchema

Schema: TypeAlias = dict[str, Any]

FILE: Final = Path(__file__).parents[1] / "service/cli/commands.json"
METAVARS: Final = {"boolean": "true", "integer": "INTEGER", "number": "NUMBER", "string": "TEXT"}
# Fields that are arguments of the command, or apply to the service alone.
OMITTED: Final = {
    "train": {"keep"},
    "fit": {"keep", "dataset", "noticed"},
    "forecast": {"keep", "dataset", "noticed", "verdict"},  # a forecast states the verdict
    "predict": {"inputs", "model", "continue", "plans", "goal"},
    "surface": {"runs"},
}
# Rules that no schema states: the only valid choice of an option.
CHOICES: Final = {("optimum", "activation"): ["identity"]}
# Keywords of JSON schema, and the arguments of click.FloatRange.
BOUNDS: Final = {
    "minimum": ("min", "min_open", False),
    "exclusiveMinimum": ("min", "min_open", True),
    "maximum": ("max", "max_open", False),
    "exclusiveMaximum": ("max", "max_open", True),
}
MEMBERS: Final = (
    "form",
    "part",
    "pointer",
    "kind",
    "choices",
    "bounds",
    "fields",
    "order",
    "is_strict",
    "applies",
)
OF_UPLOADS: Final = {"kind", "name", "roles"}
DATA: Final = {
    "flag": "--data",
    "kind": "file",
    "metavar": "FILE",
    "help": "A csv or npz file with a sequence and its target per row, instead of generated data.",
}
# Options of one command, beside the parts of its request.
OWN: Final[dict[str, list[Schema]]] = {
    "fit": [
        {
            "flag": "--by",
            "kind": "text",
            "metavar": "NAME",
            "help": "Fit the rows of each name in this column separately; the result is a table.",
        },
    ],
    "forecast": [
        {
            "flag": "--future",
            "kind": "file",
            "metavar": "FILE",
            "help": "A table of future inputs.",
        },
        {
            "flag": "--plan",
            "kind": "file",
            "metavar": "FILE",
            "repeated": True,
            "pointer": "/plans",
            "help": "A plan: a table of future inputs, to compare with the first one.",
        },
        {
            "flag": "--steps",
            "kind": "value",
            "metavar": "INTEGER",
            "bounds": {"min": 1, "max": 20_000},
            "help": "The number of future steps, without inputs.  [default: 1]",
        },
        {
            "flag": "--of",
            "kind": "text",
            "metavar": "NAME",
            "help": "The sequence to continue, if several.",
        },
    ],
}


def derive_commands() -> dict[str, Schema]:
    """Return the suffixes of the files of every command, and its options, by its name."""
    return {
        name: {"suffixes": task.suffixes, "options": [*map(_for_click, _options(name, task))]}
        for name, task in ((name, load()) for name, load in TASKS.items())
    }


def _for_click(option: Schema) -> Schema:
    """Return an option with the arguments of ``click.Option`` as a separate member."""
    flag = option["flag"]
    switch = f"/--no-{flag[2:]}" if option["kind"] == "switch" else ""
    arguments = {
        "param_decls": [f"{flag}{switch}"],
        "help": option["help"],
        "metavar": option.get("metavar"),
        "multiple": option.get("repeated"),
        "is_flag": option["kind"] in {"flag", "switch", "off"},
    }
    others: Schema = {name: option[name] for name in MEMBERS if name in option}
    return {"click": {name: value for name, value in arguments.items() if value}, **others}


def _options(name: str, task: Task) -> Iterator[Schema]:
    """Yield the options of a command: its own, those of its request, and those of its output."""
    is_generated = "dataset" in task.model.model_fields and not task.takes_series
    yield from [DATA] if is_generated else OWN.get(name, [])
    if name == "forecast":
        yield from _goal_options()
    for form, model in _forms(task).items():
        omitted = OF_UPLOADS if form == "columns" else OMITTED.get(name, set())
        parts = flatten(model)
        choices = {part.path[:-1]: tag for tag, part in parts.items() if part.has_tag}
        for part_name, part in parts.items():
            if part.path[0] not in omitted:
                tag = choices.get(part.path[:-1])
                own = {} if tag is None else _applies(part, tag, parts[tag])
                if part_name == "clip":
                    own = _applies_to_clip(parts["optimizer"])
                if (name, part_name) in CHOICES:
                    own = {"choices": CHOICES[name, part_name]}
                for option in _derive(part_name, part):
                    yield {"form": form, **option, **own}
    if task.suffixes:
        text = f"{', '.join(task.suffixes)}, as its name ends; - writes a table to the output."
        yield {"flag": "--out", "kind": "path", "metavar": "FILE", "help": f"Write a file: {text}"}
    text = "Print the response of the HTTP API, with keep: false."
    yield {"flag": "--json", "kind": "flag", "help": text}


def _goal_options() -> Iterator[Schema]:
    """Yield the options of a goal."""
    for name, part in flatten(GoalSchema).items():
        for option in _derive(f"goal-{name}".removesuffix("-output"), part):
            yield {"form": "goal", **option, "pointer": f"/goal{part.pointer}"}


def _forms(task: Task) -> dict[str, type[BaseModel]]:
    """Return the models of the options: of the request, of a picture, and of a table."""
    forms: dict[str, type[BaseModel]] = {"request": task.model}
    if "png" in task.suffixes:
        forms["style"] = task.style
    if task.takes_series:
        forms["columns"] = DatasetQuery
    return forms


def _applies(part: Part, tag: str, choice: Part) -> Schema:
    """Return the members of a union that have a part, if not all have it."""
    if {*part.fields} == {*choice.fields}:
        return {}
    default = next(info.default for info in choice.fields.values())
    return {"applies": {"to": [*part.fields], "option": tag, "default": default}}


def _applies_to_clip(choice: Part) -> Schema:
    """Return the optimizers that use the magnitude of the gradient."""
    names = [name for name in choice.fields if OPTIMIZERS[name].accepts_clip]
    default = next(info.default for info in choice.fields.values())
    return {"applies": {"to": names, "option": "optimizer", "default": default}}


def _derive(name: str, part: Part) -> Iterator[Schema]:
    """Yield the option of a part, and one for false if a number is valid instead of true."""
    first, *others = part.fields.values()
    annotated: Any = Annotated[first.annotation, first]
    adapter: TypeAdapter[Any] = TypeAdapter(annotated)
    schema = adapter.json_schema()
    kinds, is_list = _kinds(schema, schema.get("$defs", {}))
    types = [kind.get("type") for kind in kinds]
    words = [*part.fields] if part.has_tag else [word for kind in kinds for word in _words(kind)]
    pairs = [list(kind["properties"]) for kind in kinds if "properties" in kind]
    is_map = "object" in types and not pairs
    flag = f"--{name.removesuffix('s') if is_map else name}".replace("_", "-")
    if any(info.default != first.default for info in others) and not part.has_tag:
        del schema["default"]  # it depends on the member
    option: Schema = {
        "part": name,
        "pointer": part.pointer,
        "flag": flag,
        "help": _describe(first.description or "", HINTS.get(flag, ""), schema.get("default")),
    }
    if types == ["boolean"]:
        yield {**option, "kind": "switch"}
        return
    metavars = [METAVARS[kind] for kind in types if kind in METAVARS and not is_map]
    metavars += ["NAME=NUMBER", *words] if is_map else [":".join(pair).upper() for pair in pairs]
    is_any = types == [None] and not pairs  # a number, a word or groups of names
    option["kind"] = "map" if is_map else "text" if types == ["string"] else "value"
    if is_any:
        option["kind"] = "groups"
        metavars.append("INTEGER|per_input|NAME,NAME")
    option["repeated"] = is_list or is_map or is_any
    if all(map(_words, kinds)):
        option["choices"] = words
    else:
        option["metavar"] = "|".join(metavars)
    if types in (["integer"], ["number"]):
        option["bounds"] = _bounds(kinds[0])
    if pairs:
        option["fields"] = pairs[0]
    if option.get("fields") == ["low", "high"]:
        option["order"] = _order(adapter, {"low": 2, "high": 1})
        if _order(adapter, {"low": 1, "high": 1}):
            option["is_strict"] = True
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


def _order(adapter: TypeAdapter[Any], ends: dict[str, int]) -> str:
    """Return the message about a range with these ends; empty if it is valid."""
    try:
        adapter.validate_python(ends)
    except ValidationError as error:
        types = {str(each["type"]): str(each["msg"]) for each in error.errors()}
        return next(message for name, message in types.items() if name.startswith("range_"))
    return ""


def _words(schema: Schema) -> list[str]:
    """Return the valid words of a value."""
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _describe(description: str, hint: str, default: Any) -> str:
    """Return the description of a field, a hint and its default, for --help."""
    text = description.replace("`", "") + hint
    if isinstance(default, dict) and default:
        default = ":".join(map(str, default.values()))
    is_shown = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    return f"{text}  [default: {default}]" if is_shown else text


def main() -> None:
    """Write the file."""
    FILE.write_text(json.dumps(derive_commands(), ensure_ascii=False), encoding="utf-8")
