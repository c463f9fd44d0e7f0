"""POST /v1/datasets with tables and archives."""

import io
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.api.examples import DATASET, DATASET_CSV, DATASET_ID
from service.engine.data.moments import Moments
from service.operations.precomputed_arrays import MOMENTS, NAMES
from service.store import datasets

DATASETS = "/v1/datasets"
CSV, NPZ = "text/csv", "application/x-npz"
NUMBER = st.floats(-1e100, 1e100).filter(lambda x: x == 0.0 or abs(x) >= 1e-100)


def upload(api: Any, body: Any, media_type: str) -> Any:
    return api.request("POST", DATASETS, content=body, headers={"content-type": media_type})


def archive(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_the_tutorials_dataset_has_one_id_in_every_format(kept_api: Any, tutorial: Any) -> None:
    inputs, targets = np.array(tutorial["X"]), np.array(tutorial["t"])
    table = "\n".join(",".join(map(str, row)) for row in np.column_stack([inputs, targets]))
    responses = [
        upload(kept_api, table, CSV),
        upload(kept_api, "\ufeff" + table.replace("\n", "\r\n"), "Text/CSV; charset=UTF-8"),
        upload(kept_api, archive(inputs=inputs.astype(bool), targets=targets), NPZ),
        kept_api.post(DATASETS),
    ]
    assert [response.status_code for response in responses] == [201, 200, 200, 200]
    assert {response.json()["id"] for response in responses} == {DATASET_ID}
    assert responses[0].headers["location"] == f"{DATASETS}/{DATASET_ID}"
    assert len({response.content for response in responses}) == 1


@given(st.lists(st.lists(NUMBER, min_size=3, max_size=3), min_size=1, max_size=5))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=30,
)
def test_a_download_can_be_uploaded_again(api: Any, rows: list[list[float]]) -> None:
    request_body = {
        "kind": "explicit",
        "inputs": [row[:-1] for row in rows],
        "targets": [row[-1] for row in rows],
    }
    stored = api.post(DATASETS, request_body).json()
    for suffix, media_type in (("csv", CSV), ("npz", NPZ)):
        file = api.get(stored["links"][suffix])
        again = upload(api, file.content, media_type)
        assert (again.status_code, again.json()) == (200, stored)
        assert upload(api, file.content, file.headers["content-type"]).json() == stored


def test_the_examples_in_json_and_csv_agree(api: Any) -> None:
    table = upload(api, DATASET_CSV["table"]["value"], CSV)
    assert table.json()["id"] == api.post(DATASETS, DATASET["explicit"]["value"]).json()["id"]


def test_an_invalid_number_in_a_table_is_located(api: Any) -> None:
    result = api.refused(upload(api, "a,b,t\n1,2,3\n4,5,6\n7,x,8\n", CSV), "/inputs/2/1", "line 4")
    assert result["type"] == "/problems/invalid"
    api.refused(upload(api, "", CSV), "/inputs", "no rows")
    api.refused(upload(api, "1,2\n3,nan\n", CSV), "/targets/1", "line 2")


def test_an_invalid_number_in_an_archive_is_located(api: Any) -> None:
    two = {"inputs": [[1.0, 2.0]], "targets": [1.0]}
    api.refused(upload(api, archive(**two, more=[1]), NPZ), "", "more.npy")
    api.refused(upload(api, archive(inputs=[[1.0]]), NPZ), "", "targets")
    api.refused(upload(api, archive(**{**two, "targets": [1.0, 2.0]}), NPZ), "")
    api.refused(upload(api, archive(**{**two, "inputs": [[1, np.inf]]}), NPZ), "/inputs/0/1")
    objects = np.array([[None]], dtype=object)
    api.refused(upload(api, archive(inputs=objects, targets=[1.0]), NPZ), "/inputs", "numbers")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [(b"", NPZ), (b"PK", NPZ), (b"1,2\n", NPZ), (archive(inputs=[[1]])[:-40], NPZ), (b"\xff", CSV)],
)
def test_files_that_do_not_match_their_media_type(api: Any, body: bytes, media_type: str) -> None:
    response = upload(api, body, media_type)
    assert response.status_code == 400
    assert response.json()["type"] == "/problems/malformed"


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/zip", "application/octet-stream", "text/csv; charset=latin-1", "x"],
)
def test_other_media_types(api: Any, media_type: str) -> None:
    response = upload(api, "1,2\n", media_type)
    assert response.status_code == 415
    assert "csv" in response.json()["detail"] or "UTF-8" in response.json()["detail"]


@pytest.mark.parametrize("charset", ["utf8", "UTF8", '"Utf-8"', '"utf8"', "'utf-8'", "ascii"])
def test_the_names_of_utf_8(api: Any, charset: str) -> None:
    assert upload(api, "1,2\n", f"text/csv; header=absent; charset={charset}").status_code < 300


def test_json_has_other_limits_than_files(api: Any) -> None:
    response = api.post_text(DATASETS, "{")
    assert response.status_code == 400
    assert response.json()["detail"].startswith("not JSON: ")
    response = api.post_text(DATASETS, '{"kind": "explicit", "inputs": [[NaN]], "targets": [1]}')
    assert response.status_code == 400
    assert api.post_text(DATASETS, "").json()["id"] == DATASET_ID
    named = api.request("POST", DATASETS, content="{}", headers={"content-type": "a/b+json"})
    assert named.status_code == 415
    named = api.request(
        "POST", DATASETS, content="{}", headers={"content-type": "application/a+json"}
    )
    assert named.json()["id"] == DATASET_ID


def test_query_parameters_are_rejected(api: Any) -> None:
    response = api.request(
        "POST", f"{DATASETS}?header=no", content="1,2\n", headers={"content-type": CSV}
    )
    api.refused(response, "/header")


def test_an_endless_upload_ends_at_the_limit(make_api: Any) -> None:
    api = make_api(max_body_bytes=100_000)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 10_000
            yield b"1,2,3,4,5\n" * 1000

    response = upload(api, endless(), CSV)
    assert response.status_code == 413
    assert sent <= 120_000


def test_the_limit_on_cells(make_api: Any) -> None:
    api = make_api(max_cells=6)
    for body, media_type in (
        (b"1,2,3,4\n" * 3, CSV),
        (archive(inputs=np.ones((3, 3)), targets=np.ones(3)), NPZ),
    ):
        result = api.refused(upload(api, body, media_type), "/dataset", "limit is 6")
        assert result["type"] == "/problems/limit-exceeded"
    assert upload(api, b"1,2,3,4\n" * 2, CSV).status_code == 201


def test_the_limit_on_steps(make_api: Any) -> None:
    api = make_api(max_steps=3)
    for body, media_type in (
        (b"1,2,3,4,5\n", CSV),
        (archive(inputs=np.ones((1, 4)), targets=np.ones(1)), NPZ),
    ):
        result = api.refused(upload(api, body, media_type), "/dataset", "4 steps", "limit is 3")
        assert result["type"] == "/problems/limit-exceeded"
    assert upload(api, b"1,2,3,4\n", CSV).status_code == 201


def test_numbers_in_another_notation_are_not_a_header(api: Any) -> None:
    for row in ("'1','2'", "1_000,2_000", "1d3,2d3", "0x10,0x20"):
        api.refused(upload(api, f"{row}\n3,4\n", CSV), "/inputs/0/0", "line 1", "not a number")


def test_the_description_has_all_three_media_types(description: Any) -> None:
    content = description.schema["paths"][DATASETS]["post"]["requestBody"]["content"]
    assert list(content) == ["application/json", CSV, NPZ]
    for example in DATASET.values():
        description.validate(
            example["value"] or {"kind": "count_ones"}, content["application/json"]["schema"]
        )


# Arrays that are stored beside a dataset


def test_training_on_a_stored_dataset_does_not_read_it(
    kept_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(7)
    inputs = random.standard_normal((40, 6))
    body = archive(inputs=inputs, targets=inputs.sum(axis=1) + random.standard_normal(40))
    stored = upload(kept_api, body, NPZ).json()["id"]
    request_body = {"dataset": {"kind": "stored", "id": stored}, "keep": False}
    explicit = {
        "kind": "explicit",
        "inputs": inputs.tolist(),
        "targets": np.load(io.BytesIO(body))["targets"].tolist(),
    }
    expected = kept_api.post("/v1/training-runs", {**request_body, "dataset": explicit}).json()

    def forbidden(*_: Any) -> None:
        raise AssertionError("the samples")

    monkeypatch.setattr(Moments, "from_arrays", forbidden)
    monkeypatch.setattr(datasets, "load", forbidden)
    found = kept_api.post("/v1/training-runs", request_body).json()
    for field in ("outcome", "initial", "final", "optimum", "gap_to_optimum", "trajectory"):
        assert found[field] == expected[field]


def test_a_dataset_without_stored_moments_works(make_api: Any) -> None:
    # The limit is so low that the moments are not computed at upload.
    api = make_api(max_work_seconds=1e-9)
    database = api.app.state.service.database
    stored = upload(api, "1,0,1\n0,1,1\n", CSV).json()["id"]
    assert datasets.list_extra_arrays(database, stored) == set()
    patient = make_api()
    assert upload(patient, "1,0,1\n0,1,1\n", CSV).status_code == 200
    response = patient.post("/v1/optimum", {"dataset": {"kind": "stored", "id": stored}})
    assert response.json()["weights"] == {"w_in": 1.0, "w_rec": 1.0}


def test_moments_are_stored_and_deleted_with_their_dataset(kept_api: Any, tutorial: Any) -> None:
    database = kept_api.app.state.service.database
    assert kept_api.post(DATASETS).status_code == 201
    extra_arrays = datasets.load_extra_arrays(database, DATASET_ID, NAMES)
    assert extra_arrays.keys() == {*NAMES}
    stored = extra_arrays[MOMENTS]
    inputs, targets = np.array(tutorial["X"], float), np.array(tutorial["t"], float)
    np.testing.assert_array_equal(stored, Moments.from_arrays(inputs, targets).to_array())
    found = Moments.from_array(stored, len(inputs))
    assert found.to_array().tobytes() == stored.tobytes()
    assert found.input_square_sum[0] == (inputs[:, -1] ** 2).sum()
    assert found.input_target_sum[-1] == inputs[:, 0] @ targets
    assert found.input_sum[0] == inputs[:, -1].sum()
    assert (found.target_square_sum, found.target_sum) == (targets @ targets, targets.sum())
    kept_api.delete(f"{DATASETS}/{DATASET_ID}")
    assert datasets.load_extra_arrays(database, DATASET_ID, NAMES) == {}
