"""Options of the commands, and the values that they set in a request.

An object with two fields is given as ``a:b`` or ``a,b``, a list by an option that may be repeated,
and a map by ``NAME=NUMBER``. The options are read from ``commands.json``, which `make openapi`
writes from the models of requests, with the ``suffixes`` of the files of each command. What it
declares is checked here, before the models are imported, which takes a second.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn

import click

# Added to the message about a value that is out of range.
HINTS: Final = {"--confidence": " 95 % is 0.95."}


class Number(click.FloatRange):
    """A finite number within the bounds of its field; an integer may be written as 1e4.

    Parameters
    ----------
    name
        ``integer`` or ``number``.
    hint
        A sentence that is added to messages.
    """

    def __init__(self, name: str, hint: str, **bounds: Any) -> None:
        super().__init__(**bounds)
        self.name = name
        self._hint = hint

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, as an integer if it is one; raises BadParameter."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not finite.", param, ctx)
        if number.is_integer():
            return int(number)
        if self.name == "integer":
            self.fail(f"{value} is not an integer.", param, ctx)
        return number

    def fail(self, message: str, *place: Any, **named: Any) -> NoReturn:
        """Raise BadParameter, with the hint."""
        super().fail(f"{message}{self._hint}", *place, **named)


class Value(click.ParamType[Any]):
    """A number, a word, or an object, as ``read_value`` reads it.

    Parameters
    ----------
    metavar
        The valid forms.
    fields
        The names of the fields of an object.
    order
        The message about a range whose low end is above the high one.
    """

    name = "value"

    def __init__(self, metavar: str, fields: Sequence[str], order: str) -> None:
        self._metavar = metavar
        self._fields = fields
        self._order = order

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value; raises BadParameter."""
        read = read_value(value, self._fields)
        if isinstance(read, dict):
            low, high = read.values()
            if self._order and is_number(low) and is_number(high) and low > high:
                self.fail(f"{self._order}.", param, ctx)
        elif self._fields and "|" not in self._metavar:
            self.fail(f"{value!r} is not {self._metavar}.", param, ctx)
        return read


class Member(click.ParamType[tuple[str, float]]):
    """A member of a map: a name and a number."""

    name = "member"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        """Return the name and the number; raises BadParameter."""
        name, _, text = value.rpartition("=")
        number = read_value(text)
        if not name or not is_number(number):
            self.fail(f"{value!r} is not NAME=NUMBER.", param, ctx)
        return name, number


class RequestOption(click.Option):
    """An option of a command, which may set a part of a request.

    Parameters
    ----------
    spec
        Its ``form`` (the request, the style of a picture, or the columns of a table; absent from an
        option of the command), the name and the JSON pointer of the ``part``, its ``kind``
        (``switch`` for true or false, ``off`` for false, ``flag``, ``map``, ``text``, ``file``,
        ``path``, or another ``value``), for a number its ``bounds``, for an object with two fields
        their names and the message about their ``order``, and the members of a union to which it
        ``applies``.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.form: str | None = spec.get("form")
        self.part: str = spec.get("part", "")
        self.pointer: str = spec.get("pointer", "")
        self.flag: str = spec["flag"]
        self.applies: Mapping[str, Any] = spec.get("applies", {})
        self._kind: str = spec["kind"]
        super().__init__(
            [f"{self.flag}/--no-{self.flag[2:]}" if self._kind == "switch" else self.flag],
            type=_find_type(spec),
            default=None,
            is_flag=self._kind in {"switch", "off", "flag"},
            multiple=spec.get("repeated", False),
            metavar=spec.get("metavar"),
            help=spec["help"],
        )

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value of the part, or None; raises UsageError."""
        given = super().process_value(ctx, value)
        if given is None or given == ():
            return None
        if self._kind == "off":
            return False
        if self._kind == "map":
            return dict(given)
        return list(given) if self.multiple else given


def _find_type(spec: Mapping[str, Any]) -> click.ParamType[Any] | None:
    """Return the type of the values of an option; None for texts and flags."""
    metavar = spec.get("metavar", "")
    types: dict[str, click.ParamType[Any]] = {
        "file": click.File("rb"),
        "path": click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        "map": Member(),
        "value": Value(metavar, spec.get("fields", ()), spec.get("order", "")),
    }
    if "choices" in spec:
        return click.Choice(spec["choices"])
    if "bounds" in spec:
        return Number(metavar.lower(), HINTS.get(spec["flag"], ""), **spec["bounds"])
    return types.get(spec["kind"])


@cache
def load_json(name: str) -> Any:
    """Return the content of a file beside this module."""
    return json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))


def check_options(options: Sequence[RequestOption], params: Mapping[str, Any]) -> None:
    """Raise UsageError for options that exclude each other."""
    for option in options:
        if params[str(option.name)] is None:
            continue
        if option.pointer.startswith("/dataset/") and params.get("data") is not None:
            raise click.UsageError(f"{option.flag}: a file of data replaces generated data")
        if option.flag == "--sequence" and params.get("by") is not None:
            raise click.UsageError("--by: replaces --sequence")
        if option.applies:
            _check_member(option, options, params)


def _check_member(
    option: RequestOption, options: Sequence[RequestOption], params: Mapping[str, Any]
) -> None:
    """Raise UsageError for an option that does not apply to the chosen member of a union."""
    choice = option.applies["option"]
    chosen = params[choice] or option.applies["default"]
    if chosen not in option.applies["to"]:
        valid = ", ".join(
            other.flag
            for other in options
            if other.applies.get("option") == choice and chosen in other.applies["to"]
        )
        detail = f"does not apply to {chosen}; the options that do are {valid}"
        raise click.UsageError(f"{option.flag}: {detail}")


def is_number(value: Any) -> bool:
    """Return True for a number, which may be infinite, but not a bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def read_value(text: str, fields: Sequence[str] = ()) -> Any:
    """Return the value of a text: an object if it has enough parts, a number, or the text."""
    values = re.split("[,:]", text)
    if fields and len(values) == len(fields):
        return dict(zip(fields, map(read_value, values), strict=True))
    for convert in (int, float):
        with suppress(ValueError):
            return convert(text)
    return {"true": True, "false": False}.get(text, text)


def read_sequences(_: click.Context, __: click.Parameter, texts: Sequence[str]) -> list[Any]:
    """Return the numbers of sequences; raises UsageError with the position of another word."""
    return [_read_sequence(text, position) for position, text in enumerate(texts, start=1)]


def _read_sequence(text: str, position: int) -> list[Any]:
    """Return the numbers of a sequence, such as ``0,1,1,0``, ``0 1 1 0`` or ``0110``."""
    is_binary = re.fullmatch("[01]{2,}", text.strip())
    words = list(text.strip()) if is_binary else re.split(r"\s*,\s*|\s+", text.strip())
    numbers = [*map(read_value, words)]
    for number, (word, value) in enumerate(zip(words, numbers, strict=True), start=1):
        if not is_number(value) or not math.isfinite(value):
            raise click.UsageError(
                f"SEQUENCES: number {number} of sequence {position} is not a number: {word!r}"
            )
    return numbers
