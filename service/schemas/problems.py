"""Problems: errors as RFC 9457 describes them."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import ResponseModel


class DetailMembers(ResponseModel):
    """The numbers and names in a detail that a program may want."""

    limit: Annotated[float | None, Field(description="The limit that is exceeded.")] = None
    needed: Annotated[
        float | None, Field(description="What the request needs, in the unit of the limit.")
    ] = None
    spent: Annotated[
        float | None, Field(description="The CPU seconds after which the work was stopped.")
    ] = None
    known: Annotated[
        list[str] | None, Field(description="The known names, where a name is unknown.")
    ] = None
    line: Annotated[int | None, Field(description="The line of a table, from 1.")] = None
    column: Annotated[int | None, Field(description="The column of a table, from 1.")] = None
    n_targets: Annotated[int | None, Field(description="The number of targets to fit.")] = None
    n_unknowns: Annotated[int | None, Field(description="The number of unknowns of a fit.")] = None


class ProblemField(DetailMembers):
    """One invalid field or query parameter, with the members of its detail."""

    pointer: Annotated[
        str | None, Field(description="For a field: an RFC 6901 pointer into the JSON body.")
    ] = None
    parameter: Annotated[
        str | None, Field(description="For a query parameter: its name, as in the URL.")
    ] = None
    detail: Annotated[str, Field(description="Why it is invalid.")]


class Problem(DetailMembers):
    """Why a request failed, with the members of its detail."""

    type: Annotated[str, Field(description="/problems/ and the slug of the problem type.")]
    title: Annotated[str, Field(description="A summary of the problem type.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    detail: Annotated[str, Field(description="What is wrong with this request.")]
    request_id: Annotated[
        str | None, Field(description="The same as in the X-Request-ID header.")
    ] = None
    errors: Annotated[
        list[ProblemField] | None,
        Field(description="The invalid fields and query parameters, if there are any."),
    ] = None
    referrers: Annotated[
        list[str] | None,
        Field(description="On a conflict: up to ten resources that use this one."),
    ] = None
    policy: Annotated[
        str | None,
        Field(description="On an exceeded rate limit: the name of the policy."),
    ] = None
