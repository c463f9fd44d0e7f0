"""Preconditions (If-None-Match and If-Match), and caching of JSON."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from service.api.examples import DATASET_ID, MAP_ID, RUN_ID

ITEMS = [f"/v1/datasets/{DATASET_ID}", f"/v1/training-runs/{RUN_ID}", f"/v1/basin-maps/{MAP_ID}"]


@pytest.fixture(scope="module")
def own_api(start_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return an application for the tests of this module."""
    with ExitStack() as closing:
        yield start_api(closing, data_dir=tmp_path_factory.mktemp("own"))


@pytest.fixture
def stored(own_api: Any) -> Any:
    """Return an application with one resource of each kind."""
    for item in ITEMS:
        assert own_api.post(item.rpartition("/")[0], {}).status_code in {200, 201}
    return own_api


@pytest.mark.parametrize("path", ["/v1/cost-surface.npz", "/v1/gradient-trace.svg"])
def test_if_none_match_applies_to_get_only(api: Any, path: str) -> None:
    etag = api.get(path).headers["etag"]
    for given in ("*", etag, f'"x", {etag}'):
        assert api.get(path, headers={"if-none-match": given}).status_code == 304
        response = api.post(path, {}, headers={"if-none-match": given})
        assert response.status_code == 200
        assert response.headers["etag"] == etag


def test_the_etag_of_a_dataset_file_changes_with_the_release(
    stored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"{ITEMS[0]}.csv", f"{ITEMS[0]}.npz"]
    before = [stored.get(path).headers["etag"] for path in paths]
    assert [stored.get(path).headers["etag"] for path in paths] == before
    assert before[0] != before[1]
    monkeypatch.setattr("service.operations.downloads.__version__", "0")
    assert not set(before) & {stored.get(path).headers["etag"] for path in paths}


@pytest.mark.parametrize("path", ITEMS)
def test_resources_have_an_etag(stored: Any, path: str) -> None:
    first = stored.get(path)
    etag = first.headers["etag"]
    assert stored.get(path).headers["etag"] == etag
    assert first.headers["cache-control"] == "no-cache"
    unchanged = stored.get(path, headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert stored.get(path, headers={"if-none-match": '"x"'}).content == first.content


def test_the_etag_of_a_resource_changes_with_it(stored: Any) -> None:
    request = {"n_iterations": 500_000}
    run = stored.post("/v1/training-runs", request, headers={"prefer": "respond-async"}).json()
    path = f"/v1/training-runs/{run['id']}"
    etag = stored.get(path).headers["etag"]
    stored.post(f"{path}/cancel")
    assert stored.get(path, headers={"if-none-match": etag}).status_code == 200
    assert stored.delete(path, headers={"if-match": etag}).status_code == 412
    current = stored.get(path).headers["etag"]
    assert stored.delete(path, headers={"if-match": current}).status_code == 204


@pytest.mark.parametrize("path", ITEMS)
def test_if_match_guards_a_deletion(stored: Any, path: str) -> None:
    etag = stored.get(path).headers["etag"]
    for other in ('"x"', f"W/{etag}", '"x", "y"', "x"):
        refused = stored.delete(path, headers={"if-match": other})
        assert refused.status_code == 412
        assert refused.json()["type"] == "/problems/precondition-failed"
        assert stored.get(path).status_code == 200
    assert stored.delete(path, headers={"if-match": f'"x", {etag}'}).status_code == 204
    for given in (etag, "*"):
        assert stored.delete(path, headers={"if-match": given}).status_code == 404


@pytest.mark.parametrize("path", ITEMS)
def test_a_wildcard_matches_what_exists(stored: Any, path: str) -> None:
    assert stored.delete(path, headers={"if-match": "*"}).status_code == 204


def test_caches_may_store_the_optimizers(api: Any) -> None:
    first = api.get("/v1/optimizers")
    assert first.headers["cache-control"] == "max-age=300"
    headers = {"if-none-match": first.headers["etag"]}
    assert api.get("/v1/optimizers", headers=headers).status_code == 304


@pytest.mark.parametrize("path", ["/livez", "/v1/datasets", "/v1/gradient-trace", ITEMS[1]])
def test_caches_do_not_choose_how_long_they_store_json(stored: Any, path: str) -> None:
    assert stored.get(path).headers["cache-control"] == "no-cache"
