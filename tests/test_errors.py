"""The exceptions of the service: what they carry."""

import pytest

from service.errors import FieldError, Invalid, LimitExceeded


@pytest.mark.parametrize("kind", [Invalid, LimitExceeded])
def test_an_invalid_field_has_a_pointer(kind: type[Invalid]) -> None:
    error = kind("too long", "/a/0")
    assert (error.detail, str(error)) == ("too long", "too long")
    assert error.errors == [FieldError("/a/0", "too long")]
    assert kind("too long", "").errors == [FieldError("", "too long")]  # the whole body
    assert kind("too long").errors == []
