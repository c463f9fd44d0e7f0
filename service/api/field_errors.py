"""The invalid fields of a request, as problems list them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from service.api.json_pointer import body_location, pointer
from service.errors import FieldError

MAX_FIELDS: Final = 50  # listed in one response; a body may have any number of invalid fields
# Where pydantic's own message is about pydantic, or repeats the value.
_MESSAGES: Final = {
    "extra_forbidden": "Unknown field",
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "union_tag_not_found": "Input should be an object",
    "int_parsing_size": "Input is too large",
    "missing": "This field is required",
}


def field_errors(error: RequestValidationError | ValidationError, body: Any) -> list[FieldError]:
    """Return the invalid fields of a validation error.

    The invalid values are omitted: one may be a large matrix.
    """
    raw: Sequence[Any] = error.errors()
    found = []
    for each in raw[:MAX_FIELDS]:
        context = each.get("ctx") or {}
        loc = [*each["loc"][:20], *context.get("at", [])]
        if each["type"] == "union_tag_invalid":
            loc.append(context["discriminator"].strip("'"))
        if isinstance(error, RequestValidationError):
            loc = body_location(loc)
        found.append(FieldError(pointer(loc, body), _explain(each)))
    return found


def _explain(error: Mapping[str, Any]) -> str:
    if error["type"] == "union_tag_invalid":
        return f"Input should be one of {error['ctx']['expected_tags']}"
    return _MESSAGES.get(error["type"], str(error["msg"]).removeprefix("Value error, "))


def summarize(fields: list[FieldError]) -> str:
    """Return one sentence for all invalid fields."""
    first = fields[0]
    more = f" (and {len(fields) - 1} more)" if len(fields) > 1 else ""
    return f"{first.pointer[:200] or 'the body'}: {first.detail}{more}"
