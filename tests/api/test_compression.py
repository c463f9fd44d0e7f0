"""Responses with gzip."""

from typing import Any

import pytest

from service.api.examples import DATASET_ID, RUN_ID

GZIP = {"accept-encoding": "gzip"}
SURFACE = "/v1/cost-surface?resolution=20"


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5, br", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, deflate", False),
    ],
)
def test_the_client_chooses(api: Any, header: str, accepted: bool) -> None:
    response = api.get(SURFACE, headers={"accept-encoding": header})
    assert (response.headers.get("content-encoding") == "gzip") == accepted


def test_metrics_are_encoded_if_the_client_accepts_it(api: Any) -> None:
    encoded = api.get("/metrics", headers=GZIP)
    assert encoded.headers["content-encoding"] == "gzip"
    assert int(encoded.headers["content-length"]) < len(encoded.content) / 2


@pytest.mark.parametrize(
    "path",
    [
        SURFACE,
        "/v1/gradient-trace.csv",
        "/v1/cost-surface.svg",
        f"/v1/datasets/{DATASET_ID}.csv",
        "/openapi.json",
        "/",
        "/explorer/main.js",
        "/explorer/css/base.css",
        "/v1/optimizers",
    ],
)
def test_responses_are_encoded_if_the_client_accepts_it(api: Any, path: str) -> None:
    api.post("/v1/datasets", {})
    plain, encoded = api.get(path), api.get(path, headers=GZIP)
    assert "content-encoding" not in plain.headers
    assert encoded.headers["content-encoding"] == "gzip"
    assert encoded.content == plain.content  # httpx decodes it
    for response in (plain, encoded):
        assert "Accept-Encoding" in response.headers["vary"]
    if "content-length" in encoded.headers:
        assert int(encoded.headers["content-length"]) < len(plain.content)
    head = api.head(path, headers=GZIP)
    for name in ("content-encoding", "content-length", "etag", "vary", "content-type"):
        expected = plain if path.endswith(".csv") else encoded  # whose length HEAD returns
        assert head.headers.get(name) == expected.headers.get(name)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/training-runs/{RUN_ID}/events",
        "/livez",
        "/v1/cost-surface.png",
        "/v1/cost-surface.npz",
        "/v1/gradient-trace.pdf",
    ],
)
def test_other_responses_are_not_encoded(api: Any, path: str) -> None:
    api.post("/v1/training-runs", {})
    response = api.get(path, headers=GZIP)
    assert "content-encoding" not in response.headers
    assert "accept-encoding" not in response.headers.get("vary", "").lower()


def test_each_encoding_has_its_etag_and_both_are_valid(api: Any) -> None:
    path = "/v1/gradient-trace.csv"
    plain, encoded = api.get(path), api.get(path, headers=GZIP)
    etags = plain.headers["etag"], encoded.headers["etag"]
    assert etags[0] != etags[1]
    for etag in etags:
        for accepted in ({}, GZIP):
            for known in (etag, f'"x", {etag}', f"W/{etag}"):
                response = api.get(path, headers={**accepted, "if-none-match": known})
                assert response.status_code == 304
                assert "Accept-Encoding" in response.headers["vary"]
    assert api.get(path, headers={**GZIP, "if-none-match": etags[1]}).headers["etag"] == etags[1]
    assert api.get(path, headers={"if-none-match": etags[0]}).headers["etag"] == etags[0]
    assert api.get(path, headers={**GZIP, "if-none-match": '"x-gzip"'}).status_code == 200


def test_a_resource_can_be_deleted_with_the_etag_of_either_encoding(api: Any) -> None:
    for seed, suffix in ((71, ""), (72, "-gzip")):
        link = api.post("/v1/datasets", {"seed": seed}).json()["links"]["self"]
        etag = api.get(link).headers["etag"]
        known = {"if-match": f'{etag[:-1]}{suffix}"'}
        assert api.delete(link, headers=known).status_code == 204
