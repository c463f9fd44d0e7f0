"""The contents of pictures: colors of costs, names of runs and marks, embedded requests."""

import io
import json
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

from service.api.examples import DATASET_ID, RUN_ID

pytestmark = pytest.mark.usefixtures("examples")

SURFACE, TRACE = "/v1/cost-surface", "/v1/gradient-trace"
SUFFIXES = ["png", "svg", "pdf"]
EVERYTHING = {
    "dataset": {"kind": "explicit", "inputs": [[0.1, -0.0], [3, 1e-7]], "targets": [1, 2]},
    "windows": [{"w_in": {"low": -1e-3, "high": 5}}, {}],
    "points": [{"w_in": 0.3, "w_rec": 1e22}],
    "network": {"activation": "relu", "initial_state": 0.5},
}


def embedded(response: Any, suffix: str) -> Any:
    """Return the request embedded in a picture."""
    if suffix == "png":
        return json.loads(Image.open(io.BytesIO(response.content)).text["Request"])  # type: ignore[attr-defined]
    if suffix == "svg":
        root = ElementTree.fromstring(response.content)  # noqa: S314
        found = root.find(".//{http://purl.org/dc/elements/1.1/}description")
        assert found is not None
        return json.loads(json.loads(found.text or "")["Request"])
    metadata = PdfReader(io.BytesIO(response.content)).metadata
    assert metadata is not None
    return json.loads(json.loads(metadata.subject or "")["Request"])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SURFACE, {}),
        (SURFACE, EVERYTHING),
        (SURFACE, {"runs": [RUN_ID], "marks": ["valley"]}),
        (SURFACE, {"dataset": {"kind": "stored", "id": DATASET_ID}}),
        (TRACE, {"aggregation": "tutorial", "points": [{"w_in": 1 / 3, "w_rec": -2}]}),
    ],
)
def test_the_embedded_request_draws_it_again(api: Any, path: str, body: Any, suffix: str) -> None:
    look = {"width": 500, "dpi": 90, "theme": "dark", "title": 'x "é" <b>'}
    first = api.post(f"{path}.{suffix}", body, params=look)
    assert first.status_code == 200, first.text
    found = embedded(first, suffix)
    assert (found["method"], found["path"]) == ("POST", f"{path}.{suffix}")
    again = api.post(found["path"], found["body"], params=found["query"])
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]


def test_large_data_are_embedded_by_id(api: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(201, 6)).round(3)
    explicit = {"kind": "explicit", "inputs": rows[:, 1:].tolist(), "targets": rows[:, 0].tolist()}
    first = api.post(f"{SURFACE}.png?width=320", {"dataset": explicit})
    found = embedded(first, "png")
    named = api.post("/v1/datasets", explicit).json()["id"]
    assert found["body"]["dataset"] == {"kind": "stored", "id": named}
    again = api.post(found["path"], found["body"], params=found["query"])
    assert again.content == first.content


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("resource", "file"), [("training-runs", "/trajectory"), ("basin-maps", "")]
)
def test_the_embedded_request_of_a_stored_computation_creates_it_again(
    make_api: Any, resource: str, file: str, suffix: str
) -> None:
    """It also works on another server, and after the computation was deleted."""
    api = make_api()
    body = {"n_iterations": 30, "optimizer": {"name": "adam"}}
    resource_id = api.post(f"/v1/{resource}", body).json()["id"]
    first = api.get(f"/v1/{resource}/{resource_id}{file}.{suffix}?width=400&title=x")
    found = embedded(first, suffix)
    assert api.delete(f"/v1/{resource}/{resource_id}").status_code == 204
    assert api.get(found["path"], params=found["query"]).status_code == 404
    assert api.post(found["of"]["path"], found["of"]["body"]).status_code == 201
    again = api.request(found["method"], found["path"], params=found["query"])
    assert again.content == first.content


@pytest.mark.slow
def test_the_optimum_and_the_profile_are_marked(api: Any) -> None:
    def named(body: Any) -> set[str]:
        text = api.post(f"{SURFACE}.svg", body).text
        return {name for name in ("best", "optimum") if f"<!-- {name}" in text}

    assert named({}) == set()
    assert named({"runs": [RUN_ID]}) == {"best", "optimum"}
    assert named({"runs": [RUN_ID], "marks": []}) == set()
    assert named({"marks": ["valley"]}) == {"best"}
    assert named({"marks": ["optimum"]}) == {"optimum"}
    got = api.get(f"{SURFACE}.png?mark=valley&mark=optimum")
    assert got.content == api.post(f"{SURFACE}.png", {"marks": ["valley", "optimum"]}).content
    api.refused(api.get(f"{SURFACE}.png?mark=best"), "mark")
    refused = api.get(f"{SURFACE}.png?mark=optimum&activation=tanh")
    api.refused(refused, "mark", "identity")
    other = api.post("/v1/training-runs", {"network": {"activation": "tanh"}}).json()["id"]
    tanh = {"network": {"activation": "tanh"}, "dataset": {"n_samples": 2}, "runs": [other]}
    assert named(tanh) == set()


def test_the_caption_states_the_aggregation(api: Any) -> None:
    summed, tutorial = (
        api.get(f"{TRACE}.svg?aggregation={name}").text for name in ("sum", "tutorial")
    )
    assert "summed as in the tutorial" in tutorial
    assert "summed as in the tutorial" not in summed
