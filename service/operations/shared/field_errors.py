"""The invalid fields and query parameters of a request, in the format of problems."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from service.errors import FieldError, Invalid
from service.operations.shared.flat import find_models, find_option

M = TypeVar("M", bound=BaseModel)
MAX_FIELDS: Final = 50  # listed in one response; a body may have hundreds of invalid fields
MAX_STEP: Final = 200  # characters, because the name of an unknown field can have any length
MAX_NAME: Final = 80  # characters of a name that are compared with valid names, or repeated
_QUOTED: Final = re.compile("'([^']*)'")  # a choice, in pydantic's format
_BOUNDS: Final = ("ge", "gt", "le", "lt")  # names of numbers in errors
_LONG_NUMBER: Final = re.compile(r"\d[\d.]{24,}")  # a limit such as 1e100, in pydantic's format
# Replacements of messages that are specific to pydantic, or repeat the value.
_MESSAGES: Final = {
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "union_tag_not_found": "Input should be an object",
    "int_parsing_size": "Input is too large",
    "missing": "This field is required",
}


class InvalidBody(Invalid):
    """A body that does not match the model of the request. Errors do not repeat large values."""

    def __init__(self, error: ValidationError, model: type[BaseModel]) -> None:
        super().__init__("the body is invalid")
        details = error.errors(include_url=False, include_input=False)
        self.errors = [_describe(detail, model) for detail in details[:MAX_FIELDS]]


def validate(value: Any, model: type[M]) -> M:
    """Return the model of a parsed body; raises InvalidBody."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidBody(error, model) from None


def query_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Return invalid query parameters, from pydantic's errors of a request."""
    fields = []
    for entry in errors[:MAX_FIELDS]:
        _, name, *part = entry["loc"]
        detail: str = _MESSAGES.get(entry["type"], entry["msg"])
        if part:
            detail += f", not {str(entry['input'])[:MAX_NAME]!r}"
        fields.append(FieldError(None, detail, name, _find_members(entry)))
    return fields


def name_parameter(
    field: FieldError, pointers: Mapping[str, str], written: Collection[str]
) -> FieldError:
    """Return an invalid field of the body, given as a query parameter, with the parameter's name.

    Of several parameters for one field, it is one in the URL. ``pointers`` are the JSON pointers
    of all parameters into the body.
    """
    if not field.pointer:
        return field
    parameter = find_option(field.pointer, pointers, written) or field.pointer.split("/")[1]
    return replace(field, pointer=None, parameter=parameter)


def summarize(fields: Sequence[FieldError]) -> str:
    """Return one sentence for all invalid fields and parameters."""
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    name = first.parameter or first.pointer or "the body"
    return f"{name[:MAX_STEP]}: {first.detail}{more}"


def explain_unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name, with the closest valid name and all valid names."""
    listed = sorted(known)
    hint = _suggest(name, listed) or "."
    return f"Unknown {what}{hint} Known {what}s: {', '.join(listed) or 'none'}"


def _suggest(name: str, known: Sequence[str]) -> str:
    """Return a suggestion of the closest valid name, if one is close."""
    nearest = get_close_matches(name[:MAX_NAME].lower(), known, 1)
    return f"; did you mean `{nearest[0]}`?" if nearest else ""


def _describe(error: Mapping[str, Any], model: type[BaseModel]) -> FieldError:
    kind, context = error["type"], error.get("ctx", {})
    steps, known = _locate(error["loc"], model)
    detail = _MESSAGES.get(kind, error["msg"])
    detail = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):g}", detail)
    members = _find_members(error)
    if kind == "extra_forbidden":
        detail = explain_unknown("field", str(steps[-1]), known)
        members["known"] = sorted(known)
    if kind == "union_tag_invalid":
        steps.append(context["discriminator"].strip("'"))
        hint = _suggest(context["tag"], members["known"])
        detail = f"Input should be one of {context['expected_tags']}{hint}"
    return FieldError(_pointer([*steps, *context.get("at", [])]), detail, members=members)


def _find_members(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bound or the choices in pydantic's message."""
    context = error.get("ctx", {})
    bound = next(iter(context.keys() & _BOUNDS), None)
    if bound is not None:
        return {"limit": context[bound]}
    choices = context.get("expected_tags", context.get("expected"))
    return {"known": _QUOTED.findall(choices)} if isinstance(choices, str) else {}


def _locate(loc: Sequence[Any], model: type[BaseModel]) -> tuple[list[Any], set[str]]:
    """Return a location without the tags of union members, and the siblings of the last step."""
    steps: list[Any] = []
    known: set[str] = set()
    models = list(find_models(model))
    for step in loc:
        if len(models) > 1 and isinstance(step, str):
            models = [member for member in models if _has_tag(member, step)]
            continue
        steps.append(step)
        if isinstance(step, str):
            fields = {
                info.alias or name: info
                for member in models
                for name, info in member.model_fields.items()
            }
            known = set(fields)
            models = list(find_models(fields[step].annotation)) if step in fields else []
    return steps, known


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    return any(get_args(info.annotation) == (tag,) for info in model.model_fields.values())


def _pointer(loc: Sequence[str | int]) -> str:
    """Return a location as a JSON pointer (RFC 6901)."""
    steps = (str(step)[:MAX_STEP].replace("~", "~0").replace("/", "~1") for step in loc)
    return "".join(f"/{step}" for step in steps)
