"""/v1/datasets."""

import io
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from scripts.openapi import openapi_schema
from service.api.examples import DATASET_ID

DATASETS = "/v1/datasets"
EXPLICIT: dict[str, Any] = {
    "kind": "explicit",
    "inputs": [[1, 0.1, -2], [0, 1e-100, 1e100]],
    "targets": [1 / 3, -0.0],
}


def test_an_empty_request_repeats_the_tutorial(stored_api: Any) -> None:
    response = stored_api.post(DATASETS, {})
    assert response.status_code == 201
    result = response.json()
    here = f"{DATASETS}/{DATASET_ID}"
    assert response.headers["location"] == here
    created_at = result.pop("created_at")
    assert created_at.endswith("Z")
    (example,) = openapi_schema()["components"]["schemas"]["DatasetSummary"]["examples"]
    assert result == {name: value for name, value in example.items() if name != "created_at"}
    again = stored_api.post(DATASETS)
    assert again.status_code == 200
    assert "location" not in again.headers
    assert again.json() == stored_api.get(here).json() == {**result, "created_at": created_at}


def test_the_id_of_a_dataset_depends_on_its_numbers_only(stored_api: Any, tutorial: Any) -> None:
    spelled = [
        stored_api.post(
            DATASETS, {"kind": "explicit", "inputs": tutorial["X"], "targets": tutorial["t"]}
        ),
        stored_api.post(DATASETS, {"kind": "count_ones"}),
        stored_api.post(DATASETS, {"kind": "stored", "id": DATASET_ID}),
        stored_api.post_text(
            DATASETS,
            f'{{"targets": {tutorial["t"]}, "kind": "explicit", '
            f'"inputs": {np.array(tutorial["X"], dtype=float).tolist()} }}'.replace("0.0", "-0e5"),
        ),
    ]
    assert [response.json()["id"] for response in spelled] == [DATASET_ID] * 4
    assert [response.status_code for response in spelled] == [201, 200, 200, 200]
    assert len(stored_api.get(DATASETS).json()["items"]) == 1


def test_the_name_of_a_dataset(stored_api: Any) -> None:
    named = stored_api.post(f"{DATASETS}?name=%20Ä%20%26%20B%20", EXPLICIT)
    assert (named.status_code, named.json()["name"]) == (201, "Ä & B")
    here = named.json()["links"]["self"]
    assert (
        stored_api.get(DATASETS).json()["items"] == [named.json()] == [stored_api.get(here).json()]
    )
    unchanged = stored_api.post(DATASETS, EXPLICIT)
    assert (unchanged.status_code, unchanged.json()) == (200, named.json())
    # A name replaces the one before, also without sending the numbers again.
    stored = {"kind": "stored", "id": named.json()["id"]}
    for body, name in ((EXPLICIT, "x"), (stored, "y")):
        renamed = stored_api.post(f"{DATASETS}?name={name}", body)
        assert (renamed.status_code, renamed.json()) == (200, {**named.json(), "name": name})
        assert stored_api.get(here).json() == renamed.json()
    headers = {"content-type": "text/csv"}
    table = stored_api.get(f"{here}.csv").content
    by_table = stored_api.request("POST", f"{DATASETS}?name=z", content=table, headers=headers)
    assert by_table.json() == {**named.json(), "name": "z"}


@pytest.mark.parametrize("name", ["", "%20", "a%00b", "a%0Ab", "x" * 201])
def test_invalid_names(api: Any, name: str) -> None:
    api.refused(api.post(f"{DATASETS}?name={name}", EXPLICIT), "name")


def test_downloads_have_the_same_bits(stored_api: Any) -> None:
    links = stored_api.post(DATASETS, EXPLICIT).json()["links"]
    archive = stored_api.get(links["npz"])
    arrays = np.load(io.BytesIO(archive.content))
    assert sorted(arrays) == ["inputs", "targets"]
    np.testing.assert_array_equal(arrays["inputs"], EXPLICIT["inputs"])
    np.testing.assert_array_equal(arrays["targets"], EXPLICIT["targets"])
    assert arrays["inputs"].dtype == arrays["targets"].dtype == np.float64
    table = stored_api.get(links["csv"])
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    expected = np.column_stack([EXPLICIT["inputs"], EXPLICIT["targets"]])
    for frame in (pd.read_csv(io.BytesIO(table.content)), pl.read_csv(table.content)):
        assert list(frame.columns) == ["x_1", "x_2", "x_3", "target"]
        np.testing.assert_array_equal(frame.to_numpy(), expected)


def test_a_stored_dataset_is_used_by_its_id(api: Any) -> None:
    stored = {"kind": "stored", "id": api.post(DATASETS, EXPLICIT).json()["id"]}
    for path in ("/v1/gradient-trace", "/v1/cost-surface", "/v1/gradient-check", "/v1/optimum"):
        by_name = api.post(path, {"dataset": stored})
        assert by_name.status_code == 200
        assert by_name.content == api.post(path, {"dataset": EXPLICIT}).content
    api.refused(api.post(DATASETS, stored | {"seed": 1}), "/seed")
    for path in ("/v1/gradient-trace", "/v1/cost-surface"):
        assert api.get(f"{path}?dataset={stored['id']}").content == (
            api.post(path, {"dataset": stored}).content
        )


def test_deleting(stored_api: Any) -> None:
    links = stored_api.post(DATASETS, EXPLICIT).json()["links"]
    gone = stored_api.delete(links["self"])
    assert (gone.status_code, gone.content) == (204, b"")
    for path in links.values():
        assert stored_api.get(path).status_code == 404
    assert stored_api.delete(links["self"]).status_code == 404
    assert stored_api.post(DATASETS, EXPLICIT).status_code == 201


@pytest.mark.parametrize(
    ("field", "value", "pointer"),
    [
        ("inputs", [[1], [2]], ""),
        ("inputs", [[1], [], [3]], "/inputs/1"),
        ("inputs", [[1], "12", [3]], "/inputs/1"),
        ("inputs", [[1, 2], [3], [4, 5]], "/inputs/1"),
        ("inputs", [[1], [True], [3]], "/inputs/1/0"),
        ("inputs", [[1, 1e101], [2, 3], [4, 5]], "/inputs/0/1"),
        ("inputs", [[0, 1e100], [1e-100, -1e100], [0.5, -9e-101]], "/inputs/2/1"),
        ("targets", [5e-324, 2, 3], "/targets/0"),
        ("targets", [1, None, 3], "/targets/1"),
        ("targets", [1, 1.1e100, 3], "/targets/1"),
    ],
)
def test_invalid_datasets(api: Any, field: str, value: Any, pointer: str) -> None:
    valid = {"kind": "explicit", "inputs": [[1], [2], [3]], "targets": [1, 2, 3]}
    api.refused(api.post(DATASETS, valid | {field: value}), pointer)


def test_the_limit_on_steps(make_api: Any) -> None:
    before = make_api()
    links = before.post(DATASETS, {"n_steps": 6}).json()["links"]
    stored = {"kind": "stored", "id": links["self"].rpartition("/")[2]}
    api = make_api(max_steps=5)
    assert api.post(DATASETS, {"n_steps": 5}).status_code == 201
    long = {"kind": "explicit", "inputs": [[1] * 6], "targets": [1]}
    result = api.refused(api.post(DATASETS, long), "/dataset", "6 steps", "limit is 5")
    assert result["type"] == "/problems/limit-exceeded"
    for dataset in ({"n_steps": 6}, long, stored):
        for path in ("optimum", "gradient-trace", "cost-surface", "cost-surface.svg"):
            response = api.post(f"/v1/{path}", {"dataset": dataset})
            api.refused(response, "/dataset", "limit is 5")
        for path in ("training-runs", "basin-maps"):
            for keep in (True, False):
                response = api.post(f"/v1/{path}", {"dataset": dataset, "keep": keep})
                api.refused(response, "/dataset", "limit is 5")
    assert api.get(links["csv"]).status_code == 200
    assert api.post("/v1/predict", {"inputs": [[1] * 6]}).status_code == 200
