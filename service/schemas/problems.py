"""Errors, as RFC 9457 has them."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import ResponseModel


class ProblemField(ResponseModel):
    """One field that is wrong."""

    pointer: Annotated[str, Field(description="RFC 6901 pointer into the (equivalent) JSON body.")]
    detail: Annotated[str, Field(description="What is wrong there.")]


class Problem(ResponseModel):
    """Why a request was not answered."""

    type: Annotated[str, Field(description="/problems/ and a slug that names the kind.")]
    title: Annotated[str, Field(description="What kind of problem it is, in words.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    detail: Annotated[str, Field(description="What is wrong with this request.")]
    request_id: Annotated[str | None, Field(description="Also in the X-Request-ID header.")] = None
    errors: Annotated[
        list[ProblemField] | None, Field(description="The fields that are wrong, if any are.")
    ] = None
    referrers: Annotated[
        list[str] | None, Field(description="On a conflict: what stands in the way, up to ten.")
    ] = None
