"""The Prefer header (RFC 7240)."""

import re
from typing import Annotated, NamedTuple

from fastapi import Depends, Header, Request

MAX_WAIT = 60
_WAIT = re.compile(r"wait\s*+=\s*+\"?([0-9]++)\"?", re.IGNORECASE | re.ASCII)


class Preference(NamedTuple):
    """Whether to respond before the work is done, and how many seconds to wait for it."""

    respond_async: bool = False
    wait: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The response header that names the applied preferences."""
        applied = ["respond-async"] if self.respond_async else []
        if self.wait is not None:
            applied.append(f"wait={self.wait}")
        return {"Preference-Applied": ", ".join(applied)} if applied else {}


def parse_prefer(header: str) -> Preference:
    """Parse a Prefer header; unknown preferences are ignored, as the standard requires."""
    respond_async, wait = False, None
    for item in header.split(","):
        preference = item.partition(";")[0].strip()
        if preference.lower() == "respond-async":
            respond_async = True
        elif wait is None and (match := _WAIT.fullmatch(preference)):
            seconds = match[1].lstrip("0")[:9]  # more digits make no difference
            wait = min(int(seconds or 0), MAX_WAIT)
    return Preference(respond_async, wait)


async def get_preference(
    request: Request,
    prefer: Annotated[
        str,
        Header(
            alias="Prefer",
            description="`respond-async` always creates a job. `wait=N` waits up to N seconds "
            f"for the job to finish, at most {MAX_WAIT}.",
            examples=["respond-async, wait=5"],
        ),
    ] = "",
) -> Preference:
    """Return the preferences of a request, from all of its Prefer headers (section 2)."""
    return parse_prefer(", ".join(request.headers.getlist("prefer")) or prefer)


PreferenceDep = Annotated[Preference, Depends(get_preference)]
