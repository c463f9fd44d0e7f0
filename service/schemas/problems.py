"""Problems: errors in the format of RFC 9457."""

from service.schemas.base import ResponseModel


class Repair(ResponseModel):
    """Query parameters of an upload that make a table readable."""

    label: str
    """The label of a button or an option."""
    query: dict[str, str | int]
    """The parameters of POST /v1/datasets."""


class Assumption(ResponseModel):
    """An observation or an assumption about a table that was read."""

    slug: str
    """Its kind."""
    sentence: str
    """Its description."""
    is_open: bool = False
    """True if answers from the table can be wrong because of it, unless it is repaired or
    confirmed."""
    line: int | None = None
    """The line of the table, from 1."""
    repairs: list[Repair]
    """The repairs of the table, as alternatives, and the confirmation."""


class DetailMembers(ResponseModel):
    """The numbers and names of a detail, for programs."""

    limit: float | None = None
    """The limit that is exceeded."""
    needed: float | None = None
    """The amount that the request requires, in the unit of the limit."""
    spent: float | None = None
    """The CPU seconds after which the work was stopped."""
    known: list[str] | None = None
    """The valid names, if a name is unknown."""
    line: int | None = None
    """The line of a table, from 1."""
    column: int | None = None
    """The column of a table, from 1."""
    n_targets: int | None = None
    """The number of targets to fit."""
    n_unknowns: int | None = None
    """The number of unknowns of a fit."""
    n_gaps: int | None = None
    """The number of gaps in the times of a table, where gaps=sequences would help."""
    are_regular: bool | None = None
    """True if as many rows precede each of these gaps, as in a working week."""
    repairs: list[Repair] | None = None
    """For a table: the query parameters that would repair it, as alternatives."""


class ProblemField(DetailMembers):
    """One invalid field or query parameter, with the members of its detail."""

    pointer: str | None = None
    """For a field: an RFC 6901 pointer into the JSON body."""
    parameter: str | None = None
    """For a query parameter: its name, as in the URL."""
    detail: str
    """The reason why it is invalid."""


class Problem(DetailMembers):
    """The reason why a request failed, with the members of its detail."""

    type: str
    """/problems/ and the slug of the problem type."""
    title: str
    """A summary of the problem type."""
    status: int
    """The HTTP status."""
    detail: str
    """A description of the problem with this request."""
    request_id: str | None = None
    """The same as in the X-Request-ID header."""
    errors: list[ProblemField] | None = None
    """The invalid fields and query parameters, if there are any."""
    referrers: list[str] | None = None
    """On a conflict: up to ten resources that use this one."""
    policy: str | None = None
    """On an exceeded rate limit: the name of the policy."""
