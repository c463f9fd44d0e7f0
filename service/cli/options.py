"""Options derived from request models, with the names that query parameters have.

The parts of a dataset, a network and an optimizer are options of their own. An object with two
fields is given as ``a:b`` or ``a,b``, a list by an option that may be repeated, and a map by
``NAME=VALUE``.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from copy import copy
from enum import EnumType
from functools import partial
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NamedTuple,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import click
from pydantic import BaseModel, RootModel, ValidationError
from pydantic.fields import FieldInfo

from service.api.field_errors import InvalidBody

M = TypeVar("M", bound=BaseModel)

FLAT: Final = frozenset({"dataset", "network", "optimizer", "windows"})
TAGS: Final = {"kind", "name"}  # tell the members of a union apart
RANGE: Final = ("low", "high")


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
        for field, info in model.model_fields.items():
            if field not in without:
                for name, path, part in _flatten(field, info):
                    for option, read in _options(name, part):
                        self.options[str(option.name)] = option, Part(path, read)

    def take(self, params: dict[str, Any]) -> dict[str, Any]:
        """Remove the values of the options from parameters, and return the JSON that they spell."""
        body: dict[str, Any] = {}
        for name, (_, part) in self.options.items():
            value = params.pop(name)
            if value in {None, ()}:
                continue
            place: dict[Any, Any] = body
            for step in part.path[:-1]:
                place = place.setdefault(step, {})
            place[part.path[-1]] = part.read(value)
        for field, value in body.items():
            if isinstance(value, dict) and 0 in value:
                body[field] = _replace_items(self.model.model_fields[field].default, value[0])
        return body

    def validate(self, body: dict[str, Any]) -> M:
        """Return the model; raises Invalid."""
        try:
            return self.model.model_validate(body)
        except ValidationError as error:
            raise InvalidBody(error, self.model) from None

    def find_option(self, pointer: str, given: Collection[str]) -> click.Option | None:
        """Return the option for a part of the JSON, one of those that are given if there is one."""
        place = f"{pointer}/"
        pointers = {name: f"{part.pointer}/" for name, (_, part) in self.options.items()}
        near = [name for name, own in pointers.items() if place.startswith(own)]
        near += [name for name, own in pointers.items() if own.startswith(place)]
        name = next((name for name in near if name in given), (*near, None)[0])
        return None if name is None else self.options[name][0]


def _replace_items(items: Sequence[BaseModel], given: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a list whose items have the given parts, as query parameters change it.

    There is one item where a part is given in which the default items differ.
    """
    if any(len({repr(vars(item)[part]) for item in items}) > 1 for part in given):
        return [given]
    return [vars(item) | given for item in items]


def _flatten(field: str, info: FieldInfo) -> Iterator[tuple[str, tuple[str | int, ...], FieldInfo]]:
    """Yield the options of a field: their names, the places of their values, and their fields."""
    if field not in FLAT:
        yield field, (field,), info
        return
    items = _item_types(info.annotation)
    place = (field, 0) if items else (field,)
    models = [model for model in items or _alternatives(info.annotation) if _needs_nothing(model)]
    for name in dict.fromkeys(name for model in models for name in model.model_fields):
        infos = [model.model_fields[name] for model in models if name in model.model_fields]
        yield field if name == "name" else name, (*place, name), _merge(infos, is_tag=name in TAGS)


def _needs_nothing(model: type[BaseModel]) -> bool:
    return not any(
        info.is_required() for name, info in model.model_fields.items() if name not in TAGS
    )


def _merge(infos: Sequence[FieldInfo], *, is_tag: bool) -> FieldInfo:
    """Return one field for those of all members of a union."""
    merged = copy(infos[0])
    if is_tag:
        values = [value for info in infos for value in get_args(info.annotation)]
        merged.annotation = Literal[tuple(values)]  # type: ignore[assignment]
        merged.default = next(info.default for info in infos if not info.is_required())
    elif any(info.default != merged.default for info in infos):
        merged.default = None  # it depends on the tag
    return merged


def _options(name: str, info: FieldInfo) -> Iterator[tuple[click.Option, Callable[[Any], Any]]]:
    """Yield the option of a field, and one for false where true may be a number instead."""
    kinds = _item_types(info.annotation) or _alternatives(info.annotation)
    is_map = bool(kinds) and all(get_origin(kind) is dict for kind in kinds)
    is_repeated = is_map or bool(_item_types(info.annotation))
    flag = f"--{name.removesuffix('s') if is_repeated else name}".replace("_", "-")
    described = _describe(info)
    if kinds == [bool]:
        yield click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=described), bool
        return
    words, parts = _words(kinds), _parts(kinds)
    choice = None if words is None else click.Choice(words)
    metavar = None if choice else _metavar(kinds, parts)
    option = click.Option(
        [flag], type=choice, metavar=metavar, multiple=is_repeated, help=described
    )
    read: Callable[[Any], Any] = _read_members if is_map else partial(read_value, parts=parts)
    yield option, read if is_map or not is_repeated else lambda texts: [*map(read, texts)]
    if bool in kinds:
        off = click.Option([f"--no-{flag[2:]}"], is_flag=True, default=None, help="Without it.")
        yield off, lambda _: False


def _metavar(kinds: Sequence[Any], parts: Sequence[str]) -> str:
    if all(get_origin(kind) is dict for kind in kinds):
        return "NAME=NUMBER"
    names = {bool: "true", int: "INTEGER", float: "NUMBER"}
    scalars = [names.get(kind, "TEXT") for kind in kinds if not parts or kind in names]
    return "|".join((*scalars, *([":".join(parts).upper()] if parts else [])))


def _describe(info: FieldInfo) -> str:
    """Return the description of a field and its default, for --help."""
    text = (info.description or "").replace("`", "")
    default = getattr(info.default, "value", info.default)
    if isinstance(default, BaseModel):
        default = ":".join(str(value) for value in vars(default).values())
    shown = isinstance(default, (str, int, float)) and not isinstance(default, bool)
    return f"{text}  [default: {default}]" if shown else text


def _alternatives(annotation: Any) -> list[Any]:
    """Return the types of a union other than None, or the type itself."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return [each for part in get_args(annotation) for each in _alternatives(part)]
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return _alternatives(annotation.model_fields["root"].annotation)
    return [] if annotation is NoneType else [annotation]


def _item_types(annotation: Any) -> list[Any]:
    """Return the types of the items of a list; none for another type."""
    lists = [kind for kind in _alternatives(annotation) if get_origin(kind) is list]
    return _alternatives(get_args(lists[0])[0]) if lists else []


def _words(kinds: Sequence[Any]) -> list[str] | None:
    """Return the words of which the value must be one, or None if it may be another."""
    words: list[str] = []
    for kind in kinds:
        if isinstance(kind, EnumType):
            words += [str(member.value) for member in kind]  # type: ignore[var-annotated]
        elif get_origin(kind) is Literal:
            words += get_args(kind)
        else:
            return None
    return words


def _parts(kinds: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of the two numbers that a value may have, if it may."""
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return tuple(kind.model_fields)
    return RANGE if any(get_origin(kind) is dict for kind in kinds) else ()


def read_value(text: str, parts: Sequence[str] = ()) -> Any:
    """Return the value of a text: an object if it has as many parts, a number, or the text."""
    values = re.split("[,:]", text)
    if parts and len(values) == len(parts):
        return dict(zip(parts, map(read_value, values), strict=True))
    for convert in (int, float):
        with suppress(ValueError):
            return convert(text)
    return {"true": True, "false": False}.get(text, text)


def _read_members(texts: Sequence[str]) -> dict[str, Any]:
    pairs = (text.rpartition("=") for text in texts)
    return {name: read_value(value) for name, _, value in pairs}
