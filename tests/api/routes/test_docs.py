"""GET /docs and its assets."""

import base64
import hashlib
import re
from typing import Any

import pytest


def test_the_documentation_needs_no_other_server(api: Any) -> None:
    page = api.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/")
        assert api.get(address).status_code == 200
    assert "/openapi.json" in page
    assert not re.search(r"https?://", page)


def test_the_policy_allows_the_one_inline_script(api: Any) -> None:
    response = api.get("/docs")
    policy = response.headers["content-security-policy"]
    (script,) = re.findall(r"<script>(.*?)</script>", response.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("name", ["nothing.js", "__init__.py", "..%2f__init__.py", "%00"])
def test_there_are_no_other_assets(api: Any, name: str) -> None:
    assert api.get(f"/docs-assets/{name}").status_code == 404


def test_the_documentation_under_a_root_path(api: Any) -> None:
    page = api.get_under("/rnn", "/docs").text
    assert "'/rnn/openapi.json'" in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page)[0].startswith("/rnn/docs-assets/")


def test_the_schema_under_a_root_path(api: Any) -> None:
    schema = api.get_under("/rnn", "/openapi.json").json()
    assert schema["servers"] == [{"url": "/rnn"}]
    assert api.get("/openapi.json").json()["servers"] == [{"url": "/"}]


def test_the_schema_is_sent_once(api: Any) -> None:
    etag = api.get("/openapi.json").headers["etag"]
    response = api.get("/openapi.json", headers={"if-none-match": etag})
    assert (response.status_code, response.content) == (304, b"")
