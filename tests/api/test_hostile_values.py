"""Hostile values at every place of a request: each is refused with a problem, or has no effect."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.openapi import openapi_schema

MARK = "<here>"
NOT_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" + "0" * 400, "0x10")
NOT_JSON = ("", "'", "\\ud800", '"\\ud800"', '"\x00"', "{", "1,,", "[" * 50_000, "\ufeff")
NOT_OBJECTS = ("null", "[]", '"{}"', "0", "true", "[" * 1000 + "]" * 1000)
ELSEWHERE = ("[]", '"\\u0000"')
MORE_ELSEWHERE = ("{}", '"' + "a" * 10_000 + '"', "[" * 900 + "]" * 900, "-1e-300")
QUERIES = ("NaN", "inf", "1e400", "%00", "%ED%A0%80", "%FF", "1_0", "%D9%A1", "9" * 400)
HEADERS = (
    "accept",
    "accept-encoding",
    "authorization",
    "cookie",
    "host",
    "if-match",
    "if-none-match",
    "origin",
    "prefer",
    "range",
    "referer",
    "sec-fetch-site",
    "x-forwarded-for",
    "x-request-id",
)


def _default_bodies() -> dict[str, Any]:
    """Return the body of each operation with all defaults filled in, from its documentation."""
    paths = openapi_schema()["paths"].items()
    contents = {
        path: methods["post"]["requestBody"]["content"]["application/json"]
        for path, methods in paths
        if "requestBody" in methods.get("post", {})
    }
    return {
        path.replace("{suffix}", "svg"): content["examples"]["tutorial"]["value"]
        for path, content in contents.items()
    }


DEFAULTS = _default_bodies()


def places(value: Any) -> Iterator[Any]:
    """Yield copies of a JSON value, each with the mark in the place of one scalar."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            for changed in places(value[key]):
                copy = value.copy()
                copy[key] = changed
                yield copy
    else:
        yield MARK


def bodies(path: str, text: str) -> Iterator[str]:
    """Yield the default request of an operation as JSON, each with the text in one place."""
    for changed in places(DEFAULTS[path]):
        yield json.dumps(changed).replace(json.dumps(MARK), text)


@pytest.mark.parametrize("path", DEFAULTS)
def test_numbers_that_json_does_not_have(api: Any, path: str) -> None:
    for text in NOT_NUMBERS:
        for body in bodies(path, text):
            response = api.post_text(path, body)
            assert response.status_code in {400, 422}, body
            assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", DEFAULTS)
def test_text_that_is_not_json(api: Any, path: str) -> None:
    for text in NOT_JSON:
        for body in (text, next(bodies(path, text))):
            response = api.post_text(path, body.encode("utf-8"))
            assert body == "" or response.status_code in {400, 422}, body[:200]
            assert body == "" or len(response.content) < 2000


@pytest.mark.parametrize("path", DEFAULTS)
def test_bodies_that_are_not_objects(api: Any, path: str) -> None:
    for text in NOT_OBJECTS:
        api.refused(api.post_text(path, text), "", "object")


@pytest.mark.parametrize("texts", [ELSEWHERE, pytest.param(MORE_ELSEWHERE, marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", DEFAULTS)
def test_other_values(api: Any, path: str, texts: tuple[str, ...]) -> None:
    for text in texts:
        for body in bodies(path, text):
            response = api.post_text(path, body)
            assert response.status_code in {200, 201, 404, 422}, body[:200]
            assert len(response.content) < 5000 or response.status_code < 300


def test_the_last_of_several_equal_names_counts(api: Any) -> None:
    twice = '{"keep": false, "n_iterations": 9, "n_iterations": 3, "keep": false}'
    assert api.post_text("/v1/training-runs", twice).json()["iterations"] == 3


@pytest.mark.parametrize(
    "query",
    [
        "/v1/gradient-trace?noise={}",
        "/v1/gradient-trace?point=1,{}",
        "/v1/gradient-trace?aggregation={}",
        "/v1/gradient-trace?{}=1",
        "/v1/cost-surface?w_in=0,{}",
        "/v1/cost-surface?resolution={}",
        "/v1/cost-surface?run={}",
        "/v1/cost-surface.png?dpi={}",
        "/v1/cost-surface.png?theme={}",
        "/v1/datasets?limit={}",
        "/v1/datasets?cursor={}",
        "/v1/training-runs?status={}",
        "/v1/training-runs/run_{}",
        "/v1/training-runs/run_{}/events",
        "/v1/datasets/{}.csv",
        "/v1/{}",
        "/explorer/{}",
        "/docs-assets/{}",
    ],
)
def test_queries_and_paths(api: Any, query: str) -> None:
    for text in (*QUERIES, "../../etc/passwd", "%2e%2e%2fetc%2fpasswd", "..%5c..", "a" * 5000):
        response = api.get(query.format(text))
        assert response.status_code in {404, 422}, text
        assert len(response.content) < 2000


def test_titles_of_pictures_may_have_any_characters_of_unicode(api: Any) -> None:
    for title in ("%F0%9F%92%A9", "%E2%80%AE", "%26%3Cscript%3E", "%24%5Cfrac%7B", "%0A"):
        response = api.get(f"/v1/cost-surface.svg?width=300&height=200&title={title}")
        assert response.status_code in {200, 422}
        assert b"<script" not in response.content


@pytest.mark.parametrize(
    "name",
    HEADERS,
)
def test_headers(api: Any, name: str) -> None:
    for value in (b"", b"\xff\xfe", b"a" * 10_000, b",;=\"'\\", b"*", b"-1", b"bytes=0-,-1"):
        response = api.get("/v1/gradient-trace.csv", headers={name.encode(): value})
        assert response.status_code in {200, 304, 403}, value
