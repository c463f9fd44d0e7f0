"""Options of the commands, and the values that they set in a request.

An object with two fields is given as ``a:b`` or ``a,b``, a list by an option that may be repeated,
and a map by ``NAME=NUMBER``. The options are read from ``commands.json``, which `make openapi`
writes from the models of requests.
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
    """A finite number within the bounds of its field."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, as an integer if it is one; raises BadParameter."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not finite.", param, ctx)
        return int(number) if number.is_integer() else number

    def fail(
        self, message: str, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> NoReturn:
        """Raise BadParameter, with a hint for an option that has one."""
        hint = HINTS.get(param.opts[0], "") if param is not None else ""
        super().fail(f"{message}{hint}", param, ctx)


class Integer(Number):
    """An integer within the bounds of its field, which may be written as 1e4."""

    name = "integer"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the integer; raises BadParameter."""
        number = super().convert(value, param, ctx)
        if not isinstance(number, int):
            self.fail(f"{value} is not an integer.", param, ctx)
        return number


TYPES: Final = {"INTEGER": Integer, "NUMBER": Number}


class RequestOption(click.Option):
    """An option that sets a part of a request.

    Parameters
    ----------
    spec
        Its ``form`` (the request, the style of a picture, or the columns of a table), the name and
        the JSON pointer of the ``part``, its ``kind`` (``switch`` for true or false, ``off`` for
        false, ``map``, ``text``, or another ``value``), for an object with two numbers the names
        of its ``fields``, and for a number its ``bounds``.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.form: str = spec["form"]
        self.part: str = spec["part"]
        self.pointer: str = spec["pointer"]
        self.flag: str = spec["flag"]
        self._kind: str = spec["kind"]
        self._fields: Sequence[str] = spec.get("fields", ())
        self._is_object = bool(self._fields) and "|" not in spec["metavar"]
        kind: click.ParamType[Any] | None = None
        if "choices" in spec:
            kind = click.Choice(spec["choices"])
        if "bounds" in spec:
            kind = TYPES[spec["metavar"]](**spec["bounds"])
        super().__init__(
            [f"{self.flag}/--no-{self.flag[2:]}" if self._kind == "switch" else self.flag],
            type=kind,
            default=None,
            is_flag=self._kind in {"switch", "off"},
            multiple=spec.get("repeated", False),
            metavar=spec.get("metavar"),
            help=spec["help"],
        )

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value of the part, or None; raises UsageError."""
        given = super().process_value(ctx, value)
        if given in {None, ()}:
            return None
        if self._kind in {"switch", "off"}:
            return bool(given) and self._kind == "switch"
        if self._kind == "map":
            return dict(map(self._read_member, given))
        return [*map(self._read_one, given)] if self.multiple else self._read_one(given)

    def _read_one(self, value: Any) -> Any:
        if self._kind == "text" or isinstance(self.type, Number):
            return value
        read = read_value(value, self._fields)
        if isinstance(read, str | int | float) and self._is_object:
            raise click.BadParameter(f"{value!r} is not {self.metavar}.")
        return read

    def _read_member(self, text: str) -> tuple[str, Any]:
        name, separator, value = text.rpartition("=")
        if not separator:
            raise click.UsageError(f"{self.flag}: {text} must be NAME=NUMBER")
        return name, read_value(value)


@cache
def load_commands() -> dict[str, dict[str, Any]]:
    """Return the ``suffixes`` of the files that each command writes, and its ``options``."""
    text = Path(__file__).with_name("commands.json").read_text(encoding="utf-8")
    commands: dict[str, dict[str, Any]] = json.loads(text)
    return commands


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
        if isinstance(value, str | bool) or not math.isfinite(value):
            raise click.UsageError(
                f"SEQUENCES: number {number} of sequence {position} is not a number: {word!r}"
            )
    return numbers
