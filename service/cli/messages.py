"""Messages of the service, with options instead of fields and query parameters."""

import re
from collections.abc import Collection, Sequence

from service.cli.options import HINTS, RequestOption
from service.cli.text import Json, write_options
from service.errors import Invalid
from service.operations.shared.flat import find_option


def name_options(text: str, options: Collection[RequestOption]) -> str:
    """Return a message of the service with options instead of fields and query parameters."""
    flags = {option.part: option.flag for option in options if option.part}

    def replace(match: re.Match[str]) -> str:
        name, sign = match.groups()
        if sign:
            return f"{flags[name]} "
        return flags[name] if "_" in name else name

    return re.sub(rf"\b({'|'.join(map(re.escape, flags))})\b(=?)", replace, text)


def list_repairs(repairs: Sequence[Json] | None) -> list[str]:
    """Return each repair of a table with its options."""
    return [f"{each['label']}: {write_options(each['query'])}" for each in repairs or ()]


def explain(
    error: Invalid, options: Sequence[RequestOption], given: Collection[str], source: str
) -> str:
    """Return the message of an error, with the option or the file that it is about."""
    if not error.errors:
        return name_options(error.detail, options)
    first = error.errors[0]
    pointer = first.pointer or ""
    pointers = {each.flag: each.pointer for each in options if each.pointer}
    flag = (first.parameter and f"--{first.parameter}") or find_option(pointer, pointers, given)
    if flag == "--sequence" and "--by" in given:
        flag = "--by"
    metavar = next((option.metavar for option in options if option.flag == flag), None)
    detail = name_options(first.detail.replace("an object", str(metavar)), options)
    advice = "".join(f"; {each}" for each in list_repairs(first.members.get("repairs")))
    hint = HINTS.get(flag or "", "")
    return f"{flag or source or pointer[1:]}: {detail}{advice}{hint and f'.{hint}'}"
