"""Options derived from the models of requests, with the names of query parameters.

An object with two fields is given as ``a:b`` or ``a,b``, a list by an option that may be repeated,
and a map by ``NAME=NUMBER``.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import click
from pydantic import BaseModel, TypeAdapter

from service.operations.shared.flat import Part, find_option, flatten, nest

Schema: TypeAlias = dict[str, Any]
METAVARS: Final = {"boolean": "true", "integer": "INTEGER", "number": "NUMBER", "string": "TEXT"}


class FormOption(NamedTuple):
    """An option, the name of the part of the request that it sets, and its parser."""

    option: click.Option
    part: str
    read: Callable[[Any], Any]


class Form:
    """The options of a model, and its construction from their values.

    Parameters
    ----------
    without
        Fields that are not options.
    """

    def __init__(self, model: type[BaseModel], without: Collection[str] = ()) -> None:
        self.model = model
        self._parts = flatten(model)
        self.options = {  # by the name of the parameter
            str(option.name): FormOption(option, name, read)
            for name, part in self._parts.items()
            if part.path[0] not in without
            for option, read in _derive(name, part)
        }

    def take(self, params: dict[str, Any]) -> dict[str, Any]:
        """Remove the values of the options from parameters, and return them as JSON."""
        given = {key: params.pop(key) for key in self.options}
        values = {
            option.part: option.read(given[key])
            for key, option in self.options.items()
            if given[key] not in {None, ()}
        }
        return nest(self.model, values)

    def find_option(self, pointer: str, given: Collection[str]) -> click.Option | None:
        """Return the option for a part of the JSON, preferably a given one."""
        pointers = {key: self._parts[each.part].pointer for key, each in self.options.items()}
        key = find_option(pointer, pointers, given)
        return None if key is None else self.options[key].option


def _derive(name: str, part: Part) -> Iterator[tuple[click.Option, Callable[[Any], Any]]]:
    """Yield the option of a part, and one for false if a number is valid instead of true."""
    first, *others = part.fields.values()
    annotated: Any = Annotated[first.annotation, first]
    schema = TypeAdapter(annotated).json_schema()
    kinds, is_list = _kinds(schema, schema.get("$defs", {}))
    types = [kind.get("type") for kind in kinds]
    words = [*part.fields] if part.has_tag else [word for kind in kinds for word in _words(kind)]
    pairs = [tuple(kind["properties"]) for kind in kinds if "properties" in kind]
    is_map = types == ["object"] and not pairs
    flag = f"--{name.removesuffix('s') if is_map else name}".replace("_", "-")
    if any(info.default != first.default for info in others) and not part.has_tag:
        del schema["default"]  # it depends on the member
    described = _describe(first.description or "", schema.get("default"))
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
    if types == ["string"]:
        read = str
    if is_list:
        yield option, lambda texts: [*map(read, texts)]
    else:
        yield option, partial(_read_members, flag) if is_map else read
    if "boolean" in types:
        off = click.Option([f"--no-{flag[2:]}"], is_flag=True, default=None, help="Without it.")
        yield off, lambda _: False


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


def read_value(text: str, parts: Sequence[str] = ()) -> Any:
    """Return the value of a text: an object if it has enough parts, a number, or the text."""
    values = re.split("[,:]", text)
    if parts and len(values) == len(parts):
        return dict(zip(parts, map(read_value, values), strict=True))
    for convert in (int, float):
        with suppress(ValueError):
            return convert(text)
    return {"true": True, "false": False}.get(text, text)


def _read_members(flag: str, texts: Sequence[str]) -> Schema:
    for text in texts:
        if "=" not in text:
            raise click.UsageError(f"{flag}: {text} must be NAME=NUMBER")
    pairs = (text.rpartition("=") for text in texts)
    return {name: read_value(value) for name, _, value in pairs}
