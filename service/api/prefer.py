"""The Prefer header (RFC 7240): what a caller would rather have."""

import re
from typing import Annotated, NamedTuple

from fastapi import Depends, Header, Request

LONGEST_WAIT = 60
_WAIT = re.compile(r"wait\s*+=\s*+\"?([0-9]++)\"?", re.IGNORECASE | re.ASCII)


class Preference(NamedTuple):
    """Answer before the work is done; wait this many seconds for it; None where not asked."""

    respond_async: bool = False
    wait: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Say which preferences were applied."""
        applied = ["respond-async"] if self.respond_async else []
        if self.wait is not None:
            applied.append(f"wait={self.wait}")
        return {"Preference-Applied": ", ".join(applied)} if applied else {}


def parse_prefer(header: str) -> Preference:
    """Read a Prefer header; what is not known here is ignored, as the standard asks."""
    respond_async, wait = False, None
    for each in header.split(","):
        preference = each.partition(";")[0].strip()
        if preference.lower() == "respond-async":
            respond_async = True
        elif wait is None and (match := _WAIT.fullmatch(preference)):
            seconds = match[1].lstrip("0")[:9]  # the first of any number of digits are enough
            wait = min(int(seconds or 0), LONGEST_WAIT)
    return Preference(respond_async, wait)


async def get_preference(
    request: Request,
    prefer: Annotated[
        str,
        Header(
            alias="Prefer",
            description="`respond-async`: make it a job, however small. `wait=N`: wait up to N "
            f"seconds for a job, at most {LONGEST_WAIT}.",
            examples=["respond-async, wait=5"],
        ),
    ] = "",
) -> Preference:
    """Read what a request prefers; of several lines each counts (RFC 7240, section 2)."""
    return parse_prefer(", ".join(request.headers.getlist("prefer")) or prefer)


PreferenceDep = Annotated[Preference, Depends(get_preference)]
