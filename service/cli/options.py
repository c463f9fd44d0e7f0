"""Options of the commands, and the values that they set in a request.

An object with two fields is given as ``a:b`` or ``a,b``, a list by an option that may be repeated,
and a map by ``NAME=NUMBER``. The options are read from ``commands.json``, which `make build`
writes from the models of requests, with the ``suffixes`` of the files of each command. What it
declares is checked here, before the models are imported, which takes half a second.
"""

import errno
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from os.path import samestat
from pathlib import Path
from typing import Any, Final, TypeAlias

import click

Values: TypeAlias = Mapping[str, Any]  # of options and arguments, or of settings

EACH: Final = "each"  # instead of the members of a map

# Added to the help of an option, and to messages about its values.
HINTS: Final = {
    "--confidence": " 95 % is 0.95.",
    "--time-constants": (
        " Lists of inputs are written as --time-constants rain,evaporation --time-constants river, "
        "or as JSON."
    ),
}


class RequestOption(click.Option):
    """An option of a command, which may set a part of a request.

    Parameters
    ----------
    spec
        The arguments of ``click.Option``, its ``form`` (the request, the style of a picture, the
        columns of a table, or a goal; absent from an option of the command), the name and the JSON
        pointer of the ``part``, its ``kind`` (``flag`` for true or false, ``off`` for false,
        ``map``, ``groups`` for lists of names, ``text``, ``file``, ``path``, or another
        ``value``), for a number its ``bounds``, for an object with two fields their names and the
        message about their ``order`` (``is_strict`` if they must differ), and the members of a
        union to which it ``applies``.
    """

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__(**spec["click"], default=None, type=_find_type(spec))
        self.flag: str = self.opts[0]
        self.form: str | None = spec.get("form")
        self.part: str = spec.get("part", "")
        self.pointer: str = spec.get("pointer", "")
        self.applies: Mapping[str, Any] = spec.get("applies", {})
        self._kind: str = spec["kind"]

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value of the part, or None; raises UsageError."""
        try:
            given = super().process_value(ctx, value)
            if given and self._kind == "groups":
                return _join(given)
        except click.BadParameter as error:
            # click writes an integer as 2.0.
            message = re.sub(r"^(-?\d+)\.0 ", r"\1 ", error.message)
            raise click.BadParameter(f"{message}{HINTS.get(self.flag, '')}", ctx, self) from None
        if given is None or given == ():
            return None
        if isinstance(self.type, click.FloatRange):
            return _finite(given, self.type.name)
        if self._kind == "off":
            return False
        if self._kind == "map":
            return EACH if EACH in dict(given) else dict(given)
        return list(given) if self.multiple else given


def _find_type(spec: Mapping[str, Any]) -> Any:
    """Return the type of the values of an option; None for texts and flags."""
    if "choices" in spec:
        return click.Choice(spec["choices"])
    if "bounds" in spec:
        number = click.FloatRange(**spec["bounds"])  # an integer may be written as 1e4
        number.name = spec["click"]["metavar"].lower()
        return number
    types = {
        "file": click.File("rb"),
        "path": click.Path(path_type=Path, dir_okay=False, allow_dash=True),
        "map": _read_member,
        "groups": _read_groups,
        "value": _make_reader(spec),
    }
    return types.get(spec["kind"])


def _finite(number: float, name: str) -> float:
    """Return a number, as an integer if it is one; raises BadParameter."""
    if not math.isfinite(number):
        raise click.BadParameter(f"{number} is not finite.")
    if number.is_integer():
        return int(number)
    if name == "integer":
        raise click.BadParameter(f"{number} is not an integer.")
    return number


def _read_member(text: str) -> tuple[str, float]:
    """Return a member of a map, a name and a number, or a word; raises BadParameter."""
    if text == EACH:
        return EACH, math.nan
    name, _, value = text.rpartition("=")
    number = read_value(value)
    if not name or not is_number(number):
        raise click.BadParameter(f"{text!r} is not NAME=NUMBER.")
    return name, number


def _read_groups(text: str) -> Any:
    """Return a number, a word, or lists of names; raises BadParameter."""
    value = read_value(text)
    if is_number(value) or text == "per_input":
        return value
    if not text.startswith("["):
        return [text.split(",")]
    try:
        return json.loads(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not JSON.") from None


def _join(values: Sequence[Any]) -> Any:
    """Return the only value, or all lists of several; raises BadParameter."""
    if len(values) > 1 and not all(isinstance(value, list) for value in values):
        raise click.BadParameter("a number and lists exclude each other.")
    return values[0] if len(values) == 1 else [names for value in values for names in value]


def _make_reader(spec: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a function that reads a value, an object if the option has ``fields``."""
    metavar = spec["click"].get("metavar")
    fields = spec.get("fields", ())

    def read(text: str) -> Any:
        value = read_value(text, fields)
        ends = [*value.values()] if isinstance(value, dict) else []
        is_range = "order" in spec and ends != []
        has_words = is_range and not all(map(is_number, ends))
        if has_words or (fields and not ends and "|" not in metavar):
            raise click.BadParameter(f"{text!r} is not {metavar}.")
        if is_range:
            low, high = ends
            if low > high or (low == high and "is_strict" in spec):
                raise click.BadParameter(f"{spec['order']}.")
        return value

    return read


def is_standard(out: Path | None) -> bool:
    """Return True for the standard output: ``-``, or ``-.png`` for a picture."""
    return out is not None and out.stem == "-"


def check_output(suffixes: Sequence[str], params: Values) -> str:
    """Return the suffix of the file to write, that of a table for the standard output.

    Raises an error for a file that cannot be written, before the work for it.
    """
    out: Path | None = params.get("out")
    if out is None:
        return ""
    if params.get("by") is not None or params.get("plan", ()) is None:
        suffixes = suffixes[-1:]  # one table: pictures of forecasts show plans
    suffix = suffixes[-1] if out.name == "-" else out.suffix[1:]
    if suffix not in suffixes:
        raise click.UsageError(f"--out: {out} must end in {' or '.join(suffixes)}")
    if is_standard(out):
        return suffix
    is_new = not out.exists()
    if not os.access(out.parent if is_new else out, os.W_OK):
        code = errno.EACCES if out.parent.is_dir() else errno.ENOENT
        raise OSError(code, os.strerror(code), str(out))
    for name in ("data", "future", "plan"):
        given = params.get(name)
        for file in given if isinstance(given, list) else filter(None, [given]):
            if not is_new and samestat(os.fstat(file.fileno()), out.stat()):
                raise click.UsageError(f"--out: {out} is the {name} file and would be overwritten")
    return suffix


def check_options(options: Sequence[RequestOption], params: Values) -> None:
    """Raise UsageError for options that exclude each other."""
    for option in options:
        if params[str(option.name)] is None:
            continue
        is_generated = option.pointer.startswith("/dataset/")
        if is_generated and params.get("data") is not None:
            raise click.UsageError(f"{option.flag}: a file of data replaces generated data")
        if (is_generated or option.flag == "--data") and params.get("sequences"):
            raise click.UsageError(f"{option.flag}: SEQUENCES replace other data")
        if option.flag == "--sequence" and params.get("by") is not None:
            raise click.UsageError("--by: replaces --sequence")
        if option.flag == "--future" and params.get("plan") is not None:
            raise click.UsageError("--plan: replaces --future")
        if option.applies:
            _check_member(option, options, params)


def _check_member(option: RequestOption, options: Sequence[RequestOption], params: Values) -> None:
    """Raise UsageError for an option that does not apply to the chosen member of a union."""
    choice = option.applies["option"]
    chosen = params[choice] or option.applies["default"]
    if chosen not in option.applies["to"]:
        others = [other for other in options if other.applies.get("option") == choice]
        valid = ", ".join(other.flag for other in others if chosen in other.applies["to"])
        advice = f"; the options that do are {valid}" if valid else ""
        raise click.UsageError(f"{option.flag}: does not apply to {chosen}{advice}")


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
