"""Options derived from the JSON schemas of requests, with the names that query parameters have.

The parts of a dataset, a network and an optimizer are options of their own. An object with two
fields is given as ``a:b`` or ``a,b``, a list by an option that may be repeated, and a map by
``NAME=NUMBER``.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

import click
from pydantic import BaseModel, ValidationError

from service.api.field_errors import InvalidBody

M = TypeVar("M", bound=BaseModel)
Schema: TypeAlias = dict[str, Any]
FLAT: Final = frozenset({"dataset", "network", "optimizer", "windows"})
TAGS: Final = {"kind", "name"}  # tell the members of a union apart
METAVARS: Final = {"boolean": "true", "integer": "INTEGER", "number": "NUMBER", "string": "TEXT"}


class Part(NamedTuple):
    """The part of a request that an option sets, and how its text is read."""

    path: tuple[str | int, ...]
    read: Callable[[Any], Any]

    @property
    def pointer(self) -> str:
        """Its JSON pointer."""
        return "".join(f"/{step}" for step in self.path)


class Form(Generic[M]):
    """The options of a model, and the model from their values.

    Parameters
    ----------
    without
        Fields that are no options.
    """

    def __init__(self, model: type[M], without: Collection[str] = ()) -> None:
        self.model = model
        self.options: dict[str, tuple[click.Option, Part]] = {}  # by the name of the parameter
        schema = model.model_json_schema()
        self._definitions: dict[str, Schema] = schema.get("$defs", {})
        self._fields: dict[str, Schema] = schema["properties"]
        for field in self._fields:
            if field not in without:
                self.options |= self._derive(field)

    def take(self, params: dict[str, Any]) -> dict[str, Any]:
        """Remove the values of the options from parameters, and return them as JSON."""
        body: dict[str, Any] = {}
        for name, (_, part) in self.options.items():
            value = params.pop(name)
            if value in {None, ()}:
                continue
            parent: dict[Any, Any] = body
            for step in part.path[:-1]:
                parent = parent.setdefault(step, {})
            parent[part.path[-1]] = part.read(value)
        for field, value in body.items():
            if isinstance(value, dict) and 0 in value:
                body[field] = _replace_items(self._fields[field]["default"], value[0])
        return body

    def validate(self, body: dict[str, Any]) -> M:
        """Return the model; raises Invalid."""
        try:
            return self.model.model_validate(body)
        except ValidationError as error:
            raise InvalidBody(error, self.model) from None

    def find_option(self, pointer: str, given: Collection[str]) -> click.Option | None:
        """Return the option for a part of the JSON, one of those that are given if there is one."""
        wanted = f"{pointer}/"
        pointers = {name: f"{part.pointer}/" for name, (_, part) in self.options.items()}
        near = [name for name, own in pointers.items() if wanted.startswith(own)]
        near += [name for name, own in pointers.items() if own.startswith(wanted)]
        name = next((name for name in near if name in given), (*near, None)[0])
        return None if name is None else self.options[name][0]

    def _derive(self, field: str) -> dict[str, tuple[click.Option, Part]]:
        """Return the options of a field."""
        kinds, is_list = self._kinds(self._fields[field])
        if field not in FLAT:
            options = self._options(field, self._fields[field])
            return {str(option.name): (option, Part((field,), read)) for option, read in options}
        models = [kind for kind in kinds if set(kind.get("required", ())) <= TAGS]
        derived = {}
        for name in dict.fromkeys(name for model in models for name in model["properties"]):
            parts = [model["properties"][name] for model in models if name in model["properties"]]
            path = (field, 0, name) if is_list else (field, name)
            for option, read in self._options(field if name == "name" else name, _merge(parts)):
                derived[str(option.name)] = option, Part(path, read)
        return derived

    def _options(
        self, name: str, schema: Schema
    ) -> Iterator[tuple[click.Option, Callable[[Any], Any]]]:
        """Yield the option of a value, and one for false where true may be a number instead."""
        kinds, is_list = self._kinds(schema)
        types = [kind.get("type") for kind in kinds]
        words = [word for kind in kinds for word in _words(kind)]
        pairs = [tuple(kind["properties"]) for kind in kinds if "properties" in kind]
        is_map = types == ["object"] and not pairs
        flag = f"--{name.removesuffix('s') if is_list or is_map else name}".replace("_", "-")
        described = _describe(schema)
        if types == ["boolean"]:
            yield click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=described), bool
            return
        choice = click.Choice(words) if all(map(_words, kinds)) else None
        metavars = [METAVARS[kind] for kind in types if kind in METAVARS]
        metavars += ["NAME=NUMBER"] if is_map else [":".join(pair).upper() for pair in pairs]
        option = click.Option(
            [flag],
            type=choice,
            metavar=None if choice else "|".join(metavars),
            multiple=is_list or is_map,
            help=described,
        )
        read: Callable[[Any], Any] = partial(read_value, parts=pairs[0] if pairs else ())
        if is_list:
            yield option, lambda texts: [*map(read, texts)]
        else:
            yield option, _read_members if is_map else read
        if "boolean" in types:
            off = click.Option([f"--no-{flag[2:]}"], is_flag=True, default=None, help="Without it.")
            yield off, lambda _: False

    def _kinds(self, schema: Schema) -> tuple[list[Schema], bool]:
        """Return the alternatives of a value other than null, and whether it is a list of them."""
        if "$ref" in schema:
            return self._kinds(self._definitions[schema["$ref"].rpartition("/")[2]])
        if schema.get("type") == "array":
            return self._kinds(schema["items"])[0], True
        members = schema.get("anyOf") or schema.get("oneOf")
        if members is None:
            return ([] if schema.get("type") == "null" else [schema]), False
        kinds, is_list = zip(*map(self._kinds, members), strict=True)
        return list(chain.from_iterable(kinds)), any(is_list)


def _merge(parts: Sequence[Schema]) -> Schema:
    """Return one schema for a field of several members of a union."""
    words = [word for part in parts for word in _words(part)]
    defaults = {str(part.get("default")) for part in parts if "const" not in part}
    merged = {name: value for name, value in parts[0].items() if name != "const"}
    if words:
        merged["enum"] = words
        merged["default"] = next(part["default"] for part in parts if "default" in part)
    elif len(defaults) > 1:
        merged.pop("default", None)  # it depends on the member
    return merged


def _words(schema: Schema) -> list[str]:
    """Return the words of which a value must be one."""
    return [schema["const"]] if "const" in schema else schema.get("enum", [])


def _describe(schema: Schema) -> str:
    """Return the description of a field and its default, for --help."""
    text, default = schema.get("description", "").replace("`", ""), schema.get("default")
    if isinstance(default, dict) and default:
        default = ":".join(map(str, default.values()))
    is_shown = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    return f"{text}  [default: {default}]" if is_shown else text


def _replace_items(items: Sequence[Schema], given: Schema) -> list[Schema]:
    """Return a list whose items have the given parts, as query parameters change it.

    There is one item where a part is given in which the default items differ.
    """
    if any(len({repr(item[part]) for item in items}) > 1 for part in given):
        return [given]
    return [item | given for item in items]


def read_value(text: str, parts: Sequence[str] = ()) -> Any:
    """Return the value of a text: an object if it has as many parts, a number, or the text."""
    values = re.split("[,:]", text)
    if parts and len(values) == len(parts):
        return dict(zip(parts, map(read_value, values), strict=True))
    for convert in (int, float):
        with suppress(ValueError):
            return convert(text)
    return {"true": True, "false": False}.get(text, text)


def _read_members(texts: Sequence[str]) -> Schema:
    pairs = (text.rpartition("=") for text in texts)
    return {name: read_value(value) for name, _, value in pairs}
