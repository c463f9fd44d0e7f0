"""Requests as flat options, such as query parameters and the options of a command.

Each field of a dataset, a network, an optimizer and a window is a separate option: of a union,
the fields of the members without data; of a list, the fields of its items.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType
from typing import Any, Final, NamedTuple, get_args, get_origin

from pydantic import BaseModel, RootModel
from pydantic.fields import FieldInfo

DIVIDED: Final = frozenset({"dataset", "network", "optimizer", "windows"})
TAGS: Final = frozenset({"kind", "name"})  # discriminators of unions


class Part(NamedTuple):
    """The part of a request that an option sets."""

    path: tuple[str | int, ...]
    fields: dict[str, FieldInfo]  # its types: one per member of a union, by its tag

    @property
    def pointer(self) -> str:
        """Its JSON pointer."""
        return "".join(f"/{step}" for step in self.path)

    @property
    def has_tag(self) -> bool:
        """True if it selects the member of a union."""
        return len(self.fields) > 1 and self.path[-1] in TAGS


@cache
def flatten(model: type[BaseModel]) -> dict[str, Part]:
    """Return the parts of a request by the names of their options."""
    parts: dict[str, Part] = {}
    for own_name, info in model.model_fields.items():
        field, item = info.alias or own_name, list_item(info.annotation)
        if field not in DIVIDED:
            name = field.removesuffix("s") if item else field
            parts.pop(name, None)  # of the dataset
            parts[name] = Part((field,), {"": info})
            continue
        path = (field,) if item is None else (field, 0)
        members = [model for model in find_models(info.annotation) if not _needs_data(model)]
        for member in members:
            for name, part in member.model_fields.items():
                option = field if name == "name" else name
                parts.setdefault(option, Part((*path, name), {})).fields[_tag(member)] = part
    return parts


def nest(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request from the values of its options.

    The parts of a list change its default items. If the items differ in such a part, the list has
    one item.
    """
    body: dict[str, Any] = {}
    for name, value in values.items():
        *parents, last = flatten(model)[name].path
        parent: dict[Any, Any] = body
        for step in parents:
            parent = parent.setdefault(step, {})
        parent[last] = value
    for field, value in body.items():
        if isinstance(value, dict) and 0 in value:
            items = model.model_fields[field].default
            is_one = any(differ(items, part) for part in value[0])
            body[field] = [value[0]] if is_one else [vars(item) | value[0] for item in items]
    return body


def find_option(pointer: str, pointers: Mapping[str, str], given: Collection[str]) -> str | None:
    """Return the option for a part of the body, preferably a given one.

    Parameters
    ----------
    pointer
        The JSON pointer of the part.
    pointers
        The JSON pointers of all options, by their names.
    """
    wanted = f"{pointer}/"
    parts = {name: f"{own}/" for name, own in pointers.items()}
    near = [name for name, part in parts.items() if wanted.startswith(part)]
    near += [name for name, part in parts.items() if part.startswith(wanted)]
    return next((name for name in near if name in given), (*near, None)[0])


def list_item(annotation: Any) -> Any:
    """Return the type of the items of a list, which may be null; None for another type."""
    members = [annotation] if get_origin(annotation) is list else get_args(annotation)
    present = [member for member in members if member is not NoneType]
    is_list = len(present) == 1 and get_origin(present[0]) is list
    return get_args(present[0])[0] if is_list else None


def differ(items: Sequence[BaseModel], part: str) -> bool:
    """Return True if the items of a list differ in a part."""
    return any(vars(item)[part] != vars(items[0])[part] for item in items)


def find_models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the models in the type of a field: of a union, a list, or null as an alternative."""
    if not isinstance(annotation, type) or get_args(annotation):
        for part in get_args(annotation):
            yield from find_models(part)
    elif issubclass(annotation, RootModel):
        yield from find_models(annotation.model_fields["root"].annotation)
    elif issubclass(annotation, BaseModel):
        yield annotation


def _needs_data(model: type[BaseModel]) -> bool:
    return any(info.is_required() for name, info in model.model_fields.items() if name not in TAGS)


def _tag(model: type[BaseModel]) -> str:
    """Return the tag of a member of a union, or "" of another model."""
    infos = (info for name, info in model.model_fields.items() if name in TAGS)
    return next((str(get_args(info.annotation)[0]) for info in infos), "")
