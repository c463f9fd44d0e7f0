"""/v1/datasets with series: JSON, tables and archives, answers, downloads, and refusals."""

import io
from typing import Any

import numpy as np
import pytest

DATASETS = "/v1/datasets"
QUERY = "?kind=series&target=sales&inputs=spend,heating&sequence=region&time=date"
TABLE = """date,region,sales,spend,heating
2024-01-01,north,3.5,1,0.25
2024-01-08,north,,2,0.5
2024-01-15,north,4,2.5,1
2024-01-01,south,30,10,-0
2024-01-08,south,50,20,2
"""
SERIES: dict[str, Any] = {
    "kind": "series",
    "inputs": ["spend", "heating"],
    "target": "sales",
    "sequences": [
        {
            "name": "north",
            "times": ["2024-01-01", "2024-01-08", "2024-01-15"],
            "inputs": [[1, 0.25], [2, 0.5], [2.5, 1]],
            "targets": [3.5, None, 4],
        },
        {
            "name": "south",
            "times": ["2024/1/1", "8.1.2024"],
            "inputs": [[10, 0], [20, 2]],
            "targets": [30, 50],
        },
    ],
    "step": {"length": 1, "unit": "week"},
}
UNTIMED = SERIES | {"sequences": [part | {"times": None} for part in SERIES["sequences"]]}
UNNAMED = SERIES | {"sequences": [part | {"name": None} for part in SERIES["sequences"]]}
DECAY = {"kind": "series", "inputs": [], "sequences": [{"targets": [8, None, 2]}]}


def test_the_id_of_a_series_is_the_same_however_it_comes(stored_api: Any) -> None:
    first = stored_api.post(DATASETS, SERIES)
    assert first.status_code == 201
    result = first.json()
    here = first.headers["location"]
    assert result == {
        "id": "ds_ef6cee975f9e2d72ea3bcd482037f991",
        "name": None,
        "kind": "series",
        "n_samples": 2,
        "n_steps": 3,
        "n_targets": 4,
        "inputs": ["spend", "heating"],
        "target": "sales",
        "step": {"length": 1.0, "unit": "week"},
        "sequence_names": ["north", "south"],
        "start_times": ["2024-01-01", "2024-01-01"],
        "repairs": None,
        "assumptions": None,
        "roles": None,
        "bytes": 8 * 5 * 3,
        "input_range": {"low": 0.0, "high": 20.0},
        "target_range": {"low": 3.5, "high": 50.0},
        "created_at": result["created_at"],
        "created_by": None,
        "links": {"self": here, "csv": f"{here}.csv", "npz": f"{here}.npz"},
    }
    by_table = stored_api.upload(TABLE, query=QUERY)
    assert (by_table.status_code, by_table.json()) == (200, result)
    named = stored_api.upload(TABLE, query=f"{QUERY}&name=weekly")
    assert named.json() == stored_api.get(here).json() == {**result, "name": "weekly"}
    table = stored_api.get(f"{here}.csv")
    query = QUERY.replace("region", "sequence").replace("date", "time")
    assert stored_api.upload(table.content, query=query).json() == named.json()
    assert stored_api.get(DATASETS).json()["items"] == [named.json()]


def test_the_id_of_a_series_depends_on_all_that_it_says(api: Any) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {},
        {"inputs": ["spend", "heat"]},
        {"target": "y"},
        UNTIMED,
        UNTIMED | {"step": {"length": 2, "unit": "week"}},
        UNTIMED | {"step": {"unit": "day"}},
        {"sequences": SERIES["sequences"][::-1]},
        {"sequences": SERIES["sequences"][:1]},
        {"sequences": UNNAMED["sequences"]},
        {"sequences": [SERIES["sequences"][0], SERIES["sequences"][1] | {"name": "west"}]},
    )
    ids = {api.post(DATASETS, SERIES | change).json()["id"] for change in changes}
    assert len(ids) == len(changes)


def test_the_names_of_sequences(stored_api: Any) -> None:
    named = stored_api.post(DATASETS, SERIES).json()
    stored = stored_api.post(DATASETS, UNNAMED).json()
    assert (named["sequence_names"], stored["sequence_names"]) == (["north", "south"], None)
    counted = stored_api.get(stored["links"]["csv"]).content
    query = QUERY.replace("region", "sequence").replace("date", "time")
    # The numbers of a file of the service are no names.
    assert stored_api.upload(counted, query=query).json() == stored


def test_downloads(stored_api: Any) -> None:
    links = stored_api.post(DATASETS, SERIES).json()["links"]
    assert stored_api.get(links["csv"]).text == (
        "sequence,time,spend,heating,sales\r\n"
        "north,2024-01-01,1.0,0.25,3.5\r\nnorth,2024-01-08,2.0,0.5,\r\n"
        "north,2024-01-15,2.5,1.0,4.0\r\n"
        "south,2024-01-01,10.0,0.0,30.0\r\nsouth,2024-01-08,20.0,2.0,50.0\r\n"
    )
    untimed = stored_api.post(DATASETS, UNTIMED).json()["links"]["csv"]
    assert stored_api.get(untimed).text.startswith(
        "sequence,week,spend,heating,sales\r\nnorth,1,1.0,0.25,3.5\r\nnorth,2,"
    )
    archive = np.load(io.BytesIO(stored_api.get(links["npz"]).content))
    assert sorted(archive) == ["inputs", "lengths", "targets"]
    assert archive["lengths"].tolist() == [3, 2]
    nan = np.nan
    np.testing.assert_array_equal(
        archive["inputs"], [[[1, 0.25], [2, 0.5], [2.5, 1]], [[10, 0], [20, 2], [nan, nan]]]
    )
    np.testing.assert_array_equal(archive["targets"], [[3.5, nan, 4], [30, 50, nan]])
    body, names = stored_api.get(links["npz"]).content, "inputs=spend,heating&target=sales"
    again = stored_api.upload(body, "application/x-npz", f"?kind=series&{names}")
    # An archive has neither the times nor the names of the sequences.
    assert again.status_code == 201
    bare = [part | {"name": None, "times": None} for part in SERIES["sequences"]]
    counted = SERIES | {"sequences": bare, "step": {"length": 1, "unit": "step"}}
    assert again.json()["id"] == stored_api.post(DATASETS, counted).json()["id"]


def test_a_series_without_inputs(stored_api: Any) -> None:
    result = stored_api.post(DATASETS, DECAY).json()
    assert (result["inputs"], result["input_range"], result["n_targets"]) == ([], None, 2)
    assert result["step"] == {"length": 1.0, "unit": "step"}
    table = stored_api.get(result["links"]["csv"]).text
    assert table == "sequence,step,target\r\n0,1,8.0\r\n0,2,\r\n0,3,2.0\r\n"
    archive = stored_api.get(result["links"]["npz"]).content
    for body, media_type in ((table, "text/csv"), (archive, "application/octet-stream")):
        again = stored_api.upload(body, media_type, "?kind=series&inputs=")
        assert (again.status_code, again.json()["id"]) == (200, result["id"])


def test_a_series_is_refused_where_one_target_is_needed(api: Any) -> None:
    stored = {"kind": "stored", "id": api.post(DATASETS, SERIES).json()["id"]}
    for path in (
        "training-runs", "basin-maps", "optimum", "evaluate", "predict", "gradient-check",
        "gradient-trace", "gradient-trace.png", "cost-surface", "cost-surface.png",
    ):  # fmt: skip
        for headers in ({}, {"prefer": "respond-async"}):
            response = api.post(f"/v1/{path}", {"dataset": stored}, headers=headers)
            api.refused(response, "/dataset", "POST /v1/fits")
        api.refused(api.post(f"/v1/{path}", {"dataset": SERIES}), "/dataset/kind", "POST /v1/fits")
    for path in ("gradient-trace", "cost-surface.svg"):
        api.refused(api.get(f"/v1/{path}?dataset={stored['id']}"), "dataset", "POST /v1/fits")


ONE = {"inputs": [[1, 2]], "targets": [3]}
TWO = {"inputs": [[1, 2], [3, 4]], "targets": [3, 5]}


@pytest.mark.parametrize(
    ("change", "pointer", "words"),
    [
        ({"sequences": []}, "/sequences", ()),
        ({"sequences": [ONE, {"inputs": [[1]], "targets": [3]}]}, "/sequences/1/inputs", ("1 by 1",)),  # noqa: E501
        ({"sequences": [{"targets": [3, 4]}]}, "/sequences/0/inputs", ("2 steps of 2 numbers",)),
        ({"sequences": [{**ONE, "inputs": [[1, None]]}]}, "/sequences/0/inputs/0/1", ("number",)),
        ({"sequences": [{**ONE, "inputs": [[1, 2], [3]]}]}, "/sequences/0/inputs/1", ("same len",)),
        ({"sequences": [{**ONE, "inputs": [[1, 1e101]]}]}, "/sequences/0/inputs/0/1", ("1e+100",)),
        ({"sequences": [{**ONE, "targets": [1e-101]}]}, "/sequences/0/targets/0", ("1e-100",)),
        ({"sequences": [{**ONE, "targets": [None]}]}, "/sequences", ("All targets are missing",)),
        ({"sequences": [{**ONE, "times": [1, 2]}]}, "/sequences/0/times", ("1 time, as many",)),
        ({"sequences": [{**ONE, "times": ["soon"]}]}, "/sequences/0/times/0", ("not a date",)),
        ({"sequences": [{**TWO, "times": [2, 1]}]}, "/sequences/0/times/1", ("earlier",)),
        ({"sequences": [{**TWO, "times": [1, 3]}]}, "/step", ("steps of 2 week",)),
        ({"sequences": [{**ONE, "name": "a"}, ONE]}, "/sequences", ("must have names",)),
        ({"sequences": [{**ONE, "name": 'a"'}]}, "/sequences/0/name", ()),
        ({"inputs": ["a", "a"]}, "/inputs/1", ("Two columns are named a",)),
        ({"step": {"length": 0}}, "/step/length", ("greater than or equal to 1e-100",)),
    ],
)  # fmt: skip
def test_invalid_series(api: Any, change: Any, pointer: str, words: tuple[str, ...]) -> None:
    api.refused(api.post(DATASETS, SERIES | change), pointer, *words)


@pytest.mark.parametrize(
    "sequences", [[None] * 40, [{**ONE, "times": [None] * 40}]], ids=["sequences", "times"]
)
def test_validation_ends_at_the_first_invalid_item(api: Any, sequences: Any) -> None:
    problem = api.post(DATASETS, SERIES | {"sequences": sequences}).json()
    assert 1 <= len(problem["errors"]) <= 2  # a time may be a text or a number


@pytest.mark.parametrize(
    ("query", "place", "words"),
    [
        ("?target=sales", "target", ("applies to kind=series",)),
        ("?kind=series&target=sale&inputs=spend", "target", ("no column 'sale'",)),
        ("?kind=series&target=spend&inputs=sales", "/sequences", ("line 3",)),
    ],
)  # fmt: skip
def test_invalid_uploads(api: Any, query: str, place: str, words: tuple[str, ...]) -> None:
    api.refused(api.upload(TABLE, query=query), place, *words)


def test_the_columns_of_a_file_do_not_apply_to_json(api: Any) -> None:
    api.refused(api.post(DATASETS + QUERY, SERIES), "kind", "files")
    response = api.upload(TABLE, "application/x-www-form-urlencoded", QUERY)
    assert response.status_code == 415  # which curl --data sends
    assert "text/csv" in response.json()["detail"]


def test_limits(make_api: Any) -> None:
    links = make_api().post(DATASETS, SERIES).json()["links"]
    api = make_api(max_steps=2)
    for response in (api.post(DATASETS, SERIES), api.upload(TABLE, query=QUERY)):
        result = api.refused(response, "/dataset", "3 steps", "limit is 2")
        assert result["type"] == "/problems/limit-exceeded"
    assert api.get(links["csv"]).status_code == 200
    api = make_api(max_cells=11)
    for response in (api.post(DATASETS, SERIES), api.upload(TABLE, query=QUERY)):
        api.refused(response, "/dataset", "2 sequences of 3 steps with 2 inputs: 12 numbers")


def test_a_series_that_a_fit_uses_is_kept(stored_api: Any) -> None:
    series = SERIES | {"sequences": [SERIES["sequences"][0] | {"name": f"n{i}"} for i in range(3)]}
    stored = stored_api.post(DATASETS, series).json()
    request = {
        "dataset": {"kind": "stored", "id": stored["id"]},
        "initial_state": 0,
        "offset": False,
    }
    fit = stored_api.post("/v1/fits", request).json()
    assert fit["request"]["step"] == stored["step"]
    assert [each["name"] for each in fit["inputs"]] == stored["inputs"]
    refused = stored_api.delete(stored["links"]["self"])
    assert refused.status_code == 409
    assert refused.json()["referrers"] == [fit["id"]]
    assert fit["sequence_names"] == ["n0", "n1", "n2"]
    inline = {**request, "dataset": series}
    assert stored_api.post("/v1/fits", inline).json()["id"] == fit["id"]
    assert stored_api.delete(fit["links"]["self"]).status_code == 204
    assert stored_api.delete(stored["links"]["self"]).status_code == 204
