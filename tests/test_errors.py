"""The exceptions of the service: their tree, and what they carry."""

import re
from collections.abc import Iterator

import pytest

from service import errors
from service.errors import Conflict, FieldError, Invalid, LimitExceeded, ServiceError


def tree(text: str) -> Iterator[tuple[str, str]]:
    """Yield the classes of a drawn tree, each with its base class."""
    path = ["ServiceError"]
    for line in text.splitlines():
        if match := re.match(r"    ([│ ]*)[├└]── (\w+)", line):
            depth = 1 + len(match[1]) // 4
            path[depth:] = [match[2]]
            yield match[2], path[depth - 1]


def test_the_documented_tree_is_that_of_the_classes() -> None:
    documented = dict(tree(errors.__doc__ or ""))
    defined = {
        name: each.__mro__[1].__name__
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, ServiceError) and each is not ServiceError
    }
    assert documented == defined
    assert len(defined) >= 10


@pytest.mark.parametrize("kind", [Invalid, LimitExceeded])
def test_an_invalid_field_has_a_pointer(kind: type[Invalid]) -> None:
    error = kind("too long", "/a/0")
    assert (error.detail, str(error)) == ("too long", "too long")
    assert error.errors == [FieldError("/a/0", "too long")]
    assert kind("too long", "").errors == [FieldError("", "too long")]  # the whole body
    assert kind("too long").errors == []


def test_a_conflict_lists_the_resources_that_need_another() -> None:
    assert Conflict("in use", ["run_1"]).referrers == ["run_1"]
    assert Conflict("in use").referrers == []
