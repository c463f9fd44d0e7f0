"""The pages and their files over HTTP: policies, media types, caching, root path."""

import base64
import hashlib
import html
import re
from typing import Any

import pytest

from service.api.routes.explorer import DIGEST, FOLDER, PAGES, POLICY

every_page = pytest.mark.parametrize("path", PAGES)


@every_page
def test_a_page_has_a_strict_policy(api: Any, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert policy == f"{POLICY}; frame-ancestors 'self'"
    assert POLICY.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in POLICY


@pytest.mark.parametrize("sources", ["'none'", "*", "'self' https://lms.example.org"])
def test_pages_that_may_embed(api: Any, make_api: Any, sources: str) -> None:
    other = make_api(frame_ancestors=tuple(sources.split()))
    response = other.get("/")
    # A policy of * excludes pages that are opened as files, such as slides.
    ancestors = "" if sources == "*" else f"; frame-ancestors {sources}"
    assert response.headers["content-security-policy"] == f"{POLICY}{ancestors}"
    assert f'data-ancestors="{html.escape(sources)}"' in response.text
    assert response.headers["etag"] != api.get("/").headers["etag"]
    file = other.get("/explorer/main.js")
    assert file.headers["content-security-policy"].endswith("frame-ancestors 'none'")


@pytest.mark.parametrize("path", [*PAGES, "/explorer/main.js", "/explorer/css/base.css"])
def test_a_current_file_is_not_sent_again(api: Any, path: str) -> None:
    first = api.get(path)
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    again = api.get(path, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == etag
    assert api.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@every_page
def test_browsers_keep_the_files_of_a_page_for_ever(api: Any, path: str) -> None:
    page = api.get(path).text
    addresses = {*re.findall(r'(?:src|href)="(/explorer/.*?)"', page)}
    assert len(addresses) > len(PAGES[path].modules)
    for address in addresses:
        kept = api.get(address)
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        # A page of another version, which is still open, gets what is current.
        other = api.get(address.replace(DIGEST, "0123456789abcdef"))
        assert other.headers["cache-control"] == "no-cache"
        assert other.content == kept.content


@pytest.mark.parametrize(
    "name",
    [
        "",
        "css/../../app.py",
        "css/%2e%2e/%2e%2e/app.py",
        "nothing.js",
        "css/",
        "..%2Fapp.py",
        DIGEST,
        f"{DIGEST}/nothing.js",
        f"{DIGEST}/{DIGEST}/main.js",
    ],
)
def test_other_paths_are_not_found(api: Any, name: str) -> None:
    response = api.get(f"/explorer/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


@every_page
def test_addresses_start_with_the_root_path(api: Any, path: str) -> None:
    page = api.get_under("/r&d", path).text
    addresses = re.findall(r'(?:src|href)="(?!data:)([^"#][^"]*)"', page)
    assert len(addresses) > len(PAGES[path].modules)
    assert all(address.startswith("/r&amp;d/") for address in addresses)
    assert "$" not in page


@every_page
def test_a_page_has_no_inline_code_and_no_other_host(api: Any, path: str) -> None:
    page = api.get(path).text
    assert re.findall(r"<script(?![^>]* src=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page) == []
    for file in FOLDER.rglob("*.*"):
        if file.suffix not in {".woff2", ".md", ".ts"}:
            hosts = set(re.findall(r"https?://[\w.]+", file.read_text()))
            assert hosts <= {"http://www.w3.org"}, file


@every_page
def test_without_javascript_a_page_says_so(api: Any, path: str) -> None:
    (noscript,) = re.findall(r"<noscript>(.*?)</noscript>", api.get(path).text)
    assert "This page needs JavaScript." in noscript
    assert 'href="/docs"' in noscript


@every_page
def test_every_module_of_the_first_view_is_preloaded(api: Any, path: str) -> None:
    page = api.get(path).text
    preloaded = re.findall(rf'modulepreload" href="/explorer/{DIGEST}/(.*?)"', page)
    assert preloaded == [*PAGES[path].modules]
    needed = {"/": {"main.js", "charts/cost.js"}, "/fit": {"fit/main.js", "charts/plot.js"}}
    assert needed[path] < set(preloaded)
    assert len(preloaded) < len([*FOLDER.rglob("*.js")])


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


@pytest.mark.parametrize("name", ["nothing.js", "..%2f__init__.py", "%00"])
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
