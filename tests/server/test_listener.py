"""The listening socket."""

import pytest

from service.errors import StartError
from service.server.listener import listen


@pytest.mark.parametrize("host", ["256.0.0.1.invalid", "a" * 64, "203.0.113.7"])
def test_a_foreign_address_is_reported_in_one_line(host: str) -> None:
    with pytest.raises(StartError) as caught:
        listen(host, 0)
    assert str(caught.value).startswith(f"cannot listen on {host} port 0: ")
    assert "\n" not in str(caught.value)
