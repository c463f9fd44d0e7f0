"""Files that are read once."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from service.api.assets import Assets
from service.errors import NotFound

NO_CACHE = {"Cache-Control": "no-cache"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files, one of which is not served."""
    for name in ("a.js", "b.csv", "c.unknown", "hidden.js"):
        (tmp_path / name).write_text(name)
    return tmp_path


def respond(assets: Assets, name: str, if_none_match: str = "") -> Response:
    headers = [(b"if-none-match", if_none_match.encode())] if if_none_match else []
    request = Request({"type": "http", "method": "GET", "headers": headers})
    return assets.respond(request, name, NO_CACHE)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("b.csv", "text/csv; charset=utf-8"),
        ("c.unknown", "application/octet-stream"),
    ],
)
def test_a_file_has_its_media_type(folder: Path, name: str, media_type: str) -> None:
    assets = Assets(folder, ["a.js", "b.csv", "c.unknown"])
    (folder / name).unlink()  # it was read before
    response = respond(assets, name)
    assert response.body == name.encode()
    assert response.headers["content-type"] == media_type
    assert response.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["hidden.js", "../a.js", "A.js", "", "x" * 1000])
def test_only_named_files_are_served(folder: Path, name: str) -> None:
    with pytest.raises(NotFound) as caught:
        respond(Assets(folder, ["a.js"]), name)
    assert len(caught.value.detail) < 120


def test_an_etag_changes_with_the_bytes_only(folder: Path) -> None:
    etag = respond(Assets(folder, ["a.js"]), "a.js").headers["etag"]
    (folder / "b.js").write_text("a.js")
    other = Assets(folder, ["b.js", "b.csv"])
    assert respond(other, "b.js").headers["etag"] == etag
    assert respond(other, "b.csv").headers["etag"] != etag
    unchanged = respond(other, "b.js", f'"x", {etag}')
    assert (unchanged.status_code, unchanged.body) == (304, b"")
    assert unchanged.headers["etag"] == etag
