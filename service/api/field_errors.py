"""The invalid fields of a request, as problems list them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from service.errors import FieldError

MAX_FIELDS: Final = 50  # listed in one response; a body may have hundreds of invalid fields
MAX_STEP: Final = 200  # characters, since the name of an unknown field may have any length
# Where pydantic's own message is about pydantic, or repeats the value.
_MESSAGES: Final = {
    "extra_forbidden": "Unknown field",
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "union_tag_not_found": "Input should be an object",
    "int_parsing_size": "Input is too large",
    "missing": "This field is required",
}
# Where the value of a query parameter is in the equivalent JSON body, if not under its own name.
_QUERY_LOCATIONS: Final[dict[str, tuple[str | int, ...]]] = {
    **{name: ("dataset", name) for name in ("n_samples", "n_steps", "seed", "noise")},
    **{name: ("network", name) for name in ("activation", "initial_state")},
    **{name: ("windows", 0, name) for name in ("w_in", "w_rec", "resolution")},
    "point": ("points",),
    "run": ("runs",),
    "mark": ("marks",),
}


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Return the invalid fields of a request, without their values, which may be large."""
    return [_describe(detail, error.body) for detail in error.errors()[:MAX_FIELDS]]


def query_pointer(name: str, *rest: str | int) -> str:
    """Return the pointer of a query parameter, or of a part of it, in the equivalent JSON body."""
    return pointer([*_QUERY_LOCATIONS.get(name, (name,)), *rest])


def summarize(fields: list[FieldError]) -> str:
    """Return one sentence for all invalid fields."""
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return f"{first.pointer[:MAX_STEP] or 'the body'}: {first.detail}{more}"


def _describe(error: Mapping[str, Any], body: Any) -> FieldError:
    source, *loc = error["loc"]
    kind, context = error["type"], error.get("ctx", {})
    detail = _MESSAGES.get(kind, error["msg"])
    if source == "query":
        return FieldError(query_pointer(*loc), detail)
    loc = _remove_tags(loc, body, is_missing=kind == "missing") + context.get("at", [])
    if kind == "union_tag_invalid":
        loc.append(context["discriminator"].strip("'"))
        detail = f"Input should be one of {context['expected_tags']}"
    return FieldError(pointer(loc), detail)


def _remove_tags(loc: Sequence[Any], body: Any, *, is_missing: bool) -> list[Any]:
    """Return a location without the tags of union members, which are no fields of the body.

    Parameters
    ----------
    is_missing
        Whether the last step is a field that the body lacks.
    """
    steps = []
    value = body
    for i, step in enumerate(loc):
        is_last_missing = is_missing and i == len(loc) - 1
        if isinstance(step, int) or _has(value, step) or is_last_missing:
            steps.append(step)
            value = _member(value, step)
    return steps


def _member(value: Any, step: str | int) -> Any:
    if isinstance(value, list) and isinstance(step, int):
        return value[step]
    return value[step] if _has(value, step) else None


def _has(value: Any, name: str | int) -> bool:
    return isinstance(value, dict) and name in value


def pointer(loc: Sequence[str | int]) -> str:
    """Return a location as a JSON pointer (RFC 6901)."""
    steps = (str(step)[:MAX_STEP].replace("~", "~0").replace("/", "~1") for step in loc)
    return "".join(f"/{step}" for step in steps)
