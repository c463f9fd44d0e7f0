"""Problems: errors as RFC 9457 describes them."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import ResponseModel


class ProblemField(ResponseModel):
    """One invalid field or query parameter."""

    pointer: Annotated[
        str | None, Field(description="For a field: an RFC 6901 pointer into the JSON body.")
    ] = None
    parameter: Annotated[
        str | None, Field(description="For a query parameter: its name, as in the URL.")
    ] = None
    detail: Annotated[str, Field(description="Why it is invalid.")]


class Problem(ResponseModel):
    """Why a request failed."""

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
