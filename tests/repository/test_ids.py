"""What a parallel test run depends on."""

from collections import Counter

import pytest


def test_no_two_tests_share_an_id(request: pytest.FixtureRequest) -> None:
    """Pytest-xdist runs one of several tests that share an id, and skips the others silently."""
    counts = Counter(item.nodeid for item in request.session.items)
    assert [nodeid for nodeid, count in counts.items() if count > 1] == []
