"""The guide over HTTP: its pages, its links, and its policy."""

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest

from service.api.routes.guide import FOLDER

FILES = [path.relative_to(FOLDER).as_posix() for path in sorted(FOLDER.rglob("*.*"))]
PAGES = [name for name in FILES if name.endswith(".html")]


class Page(HTMLParser):
    """The anchors, the links, the files and the title of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors = {""}
        self.links: list[str] = []
        self.files: list[str] = []
        self.names: list[str] = []
        self.title = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.names.extend(values)
        if "id" in values:
            assert values["id"] not in self.anchors
            self.anchors.add(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        elif "src" in values or tag == "link":
            self.files.append(values.get("src") or values["href"])

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() == "<title>":
            self.title = self.title or data


@pytest.fixture(scope="module")
def pages(api: Any) -> dict[str, Page]:
    """Return all pages of the guide by their paths."""
    paths = [f"/guide/{name}" for name in PAGES]
    return {path: Page(api.get(path).text) for path in paths}


def test_every_page_has_a_title_and_no_style_or_script_of_its_own(pages: dict[str, Page]) -> None:
    titles = [page.title for page in pages.values()]
    assert len(set(titles)) == len(titles) >= 20
    assert all(title.endswith(" - linear-rnn") and len(title) > 13 for title in titles)
    for page in pages.values():
        assert not [name for name in page.names if name == "style" or name.startswith("on")]


def test_links_anchors_and_files_exist(api: Any, pages: dict[str, Page]) -> None:
    linked: set[str] = set()
    for path, page in pages.items():
        assert not [file for file in page.files if "//" in file]
        for link in [*page.links, *page.files]:
            if link.startswith(("https://", "http://")):
                continue
            target, anchor = urldefrag(urljoin(path, link))
            if target in pages:
                assert anchor in pages[target].anchors, (path, link)
            linked.add(target)
    assert {f"/guide/{name}" for name in FILES if name != "search.json"} <= linked
    for target in linked - set(pages):
        assert api.get(target).status_code == 200, target


def test_the_guide_is_a_folder_with_the_policy_of_the_pages(api: Any) -> None:
    redirected = api.get("/guide")
    assert (redirected.status_code, redirected.headers["location"]) == (307, "/guide/")
    assert api.get_under("/r&d", "/guide").headers["location"] == "/r&d/guide/"
    first = api.get("/guide/")
    assert first.content == api.get("/guide/index.html").content
    assert first.headers["content-security-policy"].startswith("default-src 'none'; script-src")
    again = api.get("/guide/", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_the_search_leads_to_sections(api: Any, pages: dict[str, Page]) -> None:
    sections = api.get("/guide/search.json").json()
    assert {section["page"] for section in sections} >= {"Fitting your own sequences", "Changelog"}
    for section in sections:
        name, anchor = section["address"].split("#")
        assert anchor in pages[f"/guide/{name}"].anchors
        assert section["heading"]


@pytest.mark.parametrize("name", ["nothing.html", "../explorer/main.js", "images/"])
def test_other_paths_are_not_found(api: Any, name: str) -> None:
    response = api.get(f"/guide/{name.replace('..', '%2e%2e')}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
