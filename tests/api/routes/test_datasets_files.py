"""POST /v1/datasets with tables of any program, and with archives."""

from typing import Any

import numpy as np
import pytest

from service.api.examples import DATASET_ID
from tests.formats.conftest import make_npz

DATASETS = "/v1/datasets"
CSV, NPZ = "text/csv", "application/x-npz"
OTHER_NAMES = ("text/plain", "application/csv", "application/vnd.ms-excel")
ANY = "application/octet-stream"


def test_the_tutorials_dataset_has_one_id_in_every_format(stored_api: Any, tutorial: Any) -> None:
    inputs, targets = np.array(tutorial["X"]), np.array(tutorial["t"])
    table = "\n".join(",".join(map(str, row)) for row in np.column_stack([inputs, targets]))
    responses = [
        stored_api.upload(table, CSV),
        stored_api.upload("\ufeff" + table.replace("\n", "\r\n"), "Text/CSV; charset=UTF-8"),
        stored_api.upload(make_npz(inputs=inputs.astype(bool), targets=targets), NPZ),
        stored_api.post(DATASETS),
    ]
    assert [response.status_code for response in responses] == [201, 200, 200, 200]
    assert {response.json()["id"] for response in responses} == {DATASET_ID}
    assert responses[0].headers["location"] == f"{DATASETS}/{DATASET_ID}"
    assert len({response.content for response in responses}) == 1


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", NPZ),
        (b"PK", NPZ),
        (b"1,2\n", NPZ),
        (make_npz(inputs=[[1]])[:-40], NPZ),
        (b"\x81", CSV),
    ],
)
def test_files_that_do_not_match_their_media_type(api: Any, body: bytes, media_type: str) -> None:
    response = api.upload(body, media_type)
    assert response.status_code == 400
    assert response.json()["type"] == "/problems/malformed"


@pytest.mark.parametrize(
    "media_type",
    ["application/zip", "application/x-www-form-urlencoded", "text/csv; charset=latin-1", "x"],
)
def test_other_media_types(api: Any, media_type: str) -> None:
    response = api.upload("1,2\n", media_type)
    assert response.status_code == 415
    assert "csv" in response.json()["detail"] or "UTF-8" in response.json()["detail"]


def test_the_other_names_of_the_media_types(api: Any, tutorial: Any) -> None:
    table = api.get(api.post(DATASETS).json()["links"]["csv"]).content
    npz = make_npz(X=np.array(tutorial["X"]), y=np.array(tutorial["t"])[:, np.newaxis])
    for body, media_type in [(npz, ANY), (table, ANY), *((table, name) for name in OTHER_NAMES)]:
        assert api.upload(body, media_type).json()["id"] == DATASET_ID
    for file in (("data.csv", table), ("data.npz", npz, "image/png"), (None, table)):
        response = api.request("POST", DATASETS, files={"any": file})
        assert (response.status_code, response.json()["id"]) == (200, DATASET_ID)


FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1.5,2\r\n'


@pytest.mark.parametrize(
    ("body", "media_type", "status", "detail"),
    [
        (PART + b"--b--\r\n", FORM, 201, ""),
        (PART + b"3,4\r\n" * 20_000 + b"--b--\r\n", FORM, 201, ""),  # in a temporary file
        (PART + PART + b"--b--\r\n", FORM, 422, "one file"),
        (b"--b--\r\n", FORM, 400, "no file"),
        (PART + b"--b\r\na: b\r\n\r\n1\r\n--b--\r\n", FORM, 422, "one file"),
        (PART, FORM, 400, "is truncated"),
        (PART[:-8], FORM, 400, "is truncated"),
        (b"1,2\n", FORM, 400, "form"),
        (b"", FORM, 400, "form"),
        (PART + b"--b--\r\n", "multipart/form-data", 400, "no boundary"),
        (PART + b"--b--\r\n", 'multipart/form-data; boundary="b"', 201, ""),
        (PART.replace(b"1.5,2", b"") + b"--b--\r\n", FORM, 422, "no rows"),
        (PART.replace(b"1.5,2", b"1.5,x") + b"--b--\r\n", FORM, 422, "line 1 ('1.5,x')"),
        (b"preamble\r\n" + PART + b"--b--\r\nepilogue", FORM, 201, ""),
    ],
)
def test_a_form_has_one_file(
    make_api: Any, body: bytes, media_type: str, status: int, detail: str
) -> None:
    response = make_api().upload(body, media_type)
    assert response.status_code == status, response.text
    assert detail in response.json().get("detail", "")


@pytest.mark.parametrize("charset", ["utf8", "UTF8", '"Utf-8"', '"utf8"', "'utf-8'", "ascii"])
def test_the_names_of_utf_8(api: Any, charset: str) -> None:
    assert api.upload("1.0,2\n", f"text/csv; header=absent; charset={charset}").status_code < 300


@pytest.mark.parametrize(
    ("limit", "detail"), [({"max_cells": 5}, "limit is 5"), ({"max_steps": 2}, "limit is 2")]
)
def test_the_limits(make_api: Any, limit: dict[str, int], detail: str) -> None:
    api = make_api(**limit)
    for response in (
        api.upload(b"1,2,3,4\n" * 2, CSV),
        api.upload(make_npz(inputs=np.ones((2, 3)), targets=np.ones(2)), NPZ),
        api.post(DATASETS, {"kind": "explicit", "inputs": [[1] * 3] * 2, "targets": [1, 1]}),
        api.post(DATASETS, {"n_samples": 2, "n_steps": 3}),
    ):
        result = api.refused(response, "/dataset", detail)
        assert result["type"] == "/problems/limit-exceeded"
    assert api.upload(b"1,2,3\n" * 2, CSV).status_code == 201
