"""GET /livez and /readyz."""

from typing import Any


def test_health(api: Any) -> None:
    for path in ("/livez", "/readyz"):
        assert api.get(path).json()["status"] == "ok"
