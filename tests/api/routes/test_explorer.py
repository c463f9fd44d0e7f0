"""The page and its files over HTTP: policy, media types, caching, root path."""

import asyncio
import html
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.routes.explorer import FILES, FOLDER, PAGES, POLICY
from service.app import create_app
from service.settings import Settings


def get(
    path: str,
    tmp_path: Path,
    root_path: str = "",
    headers: dict[str, str] | None = None,
    **settings: Any,
) -> httpx.Response:
    async def send() -> httpx.Response:
        app = create_app(Settings(data_dir=tmp_path, **settings))
        transport = httpx.ASGITransport(app=app, root_path=root_path)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(send())


every_page = pytest.mark.parametrize("path", PAGES)


@every_page
def test_a_page_has_a_strict_policy(tmp_path: Path, path: str) -> None:
    response = get(path, tmp_path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy == f"{POLICY}; frame-ancestors 'self'"
    assert response.headers["x-frame-options"] == "SAMEORIGIN"
    assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in POLICY
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("sources", "options"),
    [("'none'", "DENY"), ("*", None), ("'self' https://lms.example.org", None)],
)
def test_a_setting_names_the_pages_that_may_embed(
    tmp_path: Path, sources: str, options: str | None
) -> None:
    settings: dict[str, Any] = {"frame_ancestors": tuple(sources.split())}
    response = get("/", tmp_path, **settings)
    # A policy of * excludes pages that are opened as files, such as slides.
    ancestors = "" if sources == "*" else f"; frame-ancestors {sources}"
    assert response.headers["content-security-policy"] == f"{POLICY}{ancestors}"
    assert response.headers.get("x-frame-options") == options
    assert f'data-ancestors="{html.escape(sources)}"' in response.text
    assert response.headers["etag"] != get("/", tmp_path).headers["etag"]
    file = get("/explorer/main.js", tmp_path, **settings)
    assert file.headers["content-security-policy"].endswith("frame-ancestors 'none'")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("main.js", "text/javascript"),
        ("model/network.js", "text/javascript"),
        ("css/base.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_media_types(tmp_path: Path, name: str, media_type: str) -> None:
    response = get(f"/explorer/{name}", tmp_path)
    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == media_type
    assert response.text == (FOLDER / name).read_text()


@pytest.mark.parametrize("path", [*PAGES, "/explorer/main.js", "/explorer/css/base.css"])
def test_a_current_file_is_not_sent_again(tmp_path: Path, path: str) -> None:
    first = get(path, tmp_path)
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    again = get(path, tmp_path, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert get(path, tmp_path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "",
        "index.html",
        "css/../index.html",
        "css/%2e%2e/index.html",
        "nothing.js",
        "css",
        "css/",
        "main.js/",
        "/etc/passwd",
        "..%2Fapp.py",
        "__init__.py",
        "%00",
    ],
)
def test_other_paths_are_not_found(tmp_path: Path, name: str) -> None:
    response = get(f"/explorer/{name}", tmp_path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@every_page
def test_addresses_start_with_the_root_path(tmp_path: Path, path: str) -> None:
    page = get(f"/r&d{path}", tmp_path, root_path="/r&d").text
    addresses = re.findall(r'(?:src|href)="(?!data:)([^"#][^"]*)"', page)
    assert len(addresses) > len(PAGES[path].modules)
    assert all(address.startswith("/r&amp;d/") for address in addresses)
    assert "$" not in page


@every_page
def test_a_page_has_no_inline_code_and_no_other_host(tmp_path: Path, path: str) -> None:
    page = get(path, tmp_path).text
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    for name in FILES:
        if name.endswith(".woff2"):
            continue
        hosts = set(re.findall(r"https?://[\w.]+", (FOLDER / name).read_text()))
        assert hosts <= {"http://www.w3.org"}, name


@every_page
def test_without_javascript_a_page_says_so(tmp_path: Path, path: str) -> None:
    (noscript,) = re.findall(r"<noscript>(.*?)</noscript>", get(path, tmp_path).text)
    assert "This page needs JavaScript." in noscript
    assert 'href="/docs"' in noscript


@every_page
def test_every_module_of_the_first_view_is_preloaded(tmp_path: Path, path: str) -> None:
    page = get(path, tmp_path).text
    preloaded = re.findall(r'modulepreload" href="/explorer/(.*?)"', page)
    assert preloaded == [*PAGES[path].modules]
    needed = {"/": {"main.js", "charts/cost.js"}, "/fit": {"fit/main.js", "charts/plot.js"}}
    assert needed[path] < set(preloaded) < set(FILES)
