"""GET /docs and its assets."""

import re
from typing import Any

import httpx


def test_the_documentation_needs_no_other_server(api: Any) -> None:
    page = api.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith("/")
        assert api.get(address).status_code == 200
    assert "/openapi.json" in page
    assert not re.search(r"https?://", page)


def test_the_documentation_under_a_root_path(api: Any) -> None:
    """The proxy removes a prefix of the path."""
    transport = httpx.ASGITransport(app=api.app, root_path="/rnn")
    client = httpx.AsyncClient(transport=transport, base_url="http://service")
    page = api._runner.run(client.get("/rnn/docs")).text
    assert "'/rnn/openapi.json'" in page
    assert re.findall(r'(?:src|href)="([^"]+)"', page)[0].startswith("/rnn/docs-assets/")


def test_the_schema_is_valid_json_and_names_its_version(api: Any) -> None:
    schema = api.get("/openapi.json").json()
    assert schema["openapi"].startswith("3.1")
    assert schema["info"]["version"] == api.get("/livez").json()["version"]
