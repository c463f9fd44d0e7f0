"""The ground of every schema: two base classes and the numbers they are made of."""

from typing import Annotated, Any

import numpy as np
import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError


def _number_only(value: Any) -> Any:
    # Lax validation would take true for 1 and "1" for 1; strict would refuse 142.0 for 142.
    if isinstance(value, (bool, str, bytes)):
        raise PydanticCustomError("number_type", "Input should be a number")
    return value


# Bounds belong before this: `Annotated[int, Field(ge=1), NUMBER]`. After it they would hold, but
# be missing from the JSON schema.
NUMBER = BeforeValidator(_number_only)
Real = Annotated[float, NUMBER]
# In answers: null where the number is not finite.
Nullable = float | None


def encode(value: Any) -> bytes:
    """Write answers as JSON: numpy arrays as lists, numbers that are not finite as null."""
    return orjson.dumps(value, _plain, orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.__dict__
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)  # orjson writes arrays of one piece only
    raise TypeError(type(value).__name__)


class RequestModel(BaseModel):
    """A request body: fields that are not known are refused, and nothing changes it later."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )


class ResponseModel(BaseModel):
    """A response body. Arrays stay numpy's until they are written as JSON."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)
