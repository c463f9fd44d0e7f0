"""Responses, contributions and pictures of fits."""

import xml.etree.ElementTree as ET
from base64 import b64decode
from html.parser import HTMLParser
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import numpy as np
import pytest

from service.operations.computations import fit_files
from tests.api.conftest import read_table

FITS = "/v1/fits"
NAMES = ["step", "a, b"]  # the first is also a column of a table, and the second needs quotes


def make_series(start: str | None, *, level: float = 10.0) -> dict[str, Any]:
    """Return two sequences of 40 and 30 days with an effect of both inputs."""
    rng = np.random.default_rng(4)
    sequences = []
    for length in (40, 30):
        inputs, state, targets = rng.standard_normal((length, 2)).round(3), 1.0, []
        for first, second in inputs.tolist():
            state = 0.7 * state + first
            targets.append(round(level + state - second + 0.1 * float(rng.standard_normal()), 3))
        sequence = {"inputs": inputs.tolist(), "targets": targets}
        if start is not None:
            days = np.datetime64(start) + np.arange(length)
            sequence["times"] = days.astype(str).tolist()
        sequences.append(sequence)
    step = {"length": 1, "unit": "day"}
    return {"kind": "series", "inputs": NAMES, "target": "y", "sequences": sequences, "step": step}


def test_contributions_add_up_to_the_fit(api: Any) -> None:
    request = {"dataset": make_series("2024-02-20"), "direct": ["a, b"], "noise": "ar1"}
    fit = api.post(FITS, request).json()
    table = read_table(api.get(fit["links"]["csv"]))
    parts = read_table(api.get(fit["links"]["contributions_csv"]))
    own = ["sequence", "step_", "time", "start", "baseline"]
    assert list(parts) == [*own, *NAMES]
    assert parts["sequence"] == table["sequence"]
    assert parts["step_"] == table["step"]
    assert parts["time"] == table["time"]
    assert parts["time"][10] == "2024-03-01"
    numbers = np.array([parts[name] for name in [*own[3:], *NAMES]], float)
    np.testing.assert_allclose(numbers.sum(axis=0), np.array(table["prediction"], float))
    np.testing.assert_allclose(numbers[1], fit["offset"]["value"])


def test_responses_end_at_the_gains(api: Any) -> None:
    request = {"dataset": make_series(None), "delay": 1, "step": {"length": 2, "unit": "hour"}}
    fit = api.post(FITS, request).json()
    table = read_table(api.get(fit["links"]["response_csv"]))
    assert list(table) == ["input", "step", "time", "response", "low", "high"]
    numbers = {name: np.array(column, float) for name, column in table.items() if name != "input"}
    np.testing.assert_array_equal(numbers["time"], 2.0 * numbers["step"])
    for each in fit["inputs"]:
        rows = np.array(table["input"]) == each["name"]
        steps, response = (numbers[name][rows] for name in ("step", "response"))
        assert steps[0] == 0.0
        assert not response[:2].any()
        assert response[2] == pytest.approx(each["w_in"]["value"])
        assert response[-1] == pytest.approx(each["steady_state_gain"]["value"], rel=0.02)
        assert numbers["low"][rows][2] == pytest.approx(each["w_in"]["low"], rel=1e-3)
        assert numbers["high"][rows][2] == pytest.approx(each["w_in"]["high"], rel=1e-3)


def test_responses_are_computed_with_the_fit(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # A region of several w_rec takes longer to sample than a request may take.
    request = {"dataset": make_series(None), "time_constants": [["step"], ["a, b"]]}
    links = api.post(FITS, request).json()["links"]
    monkeypatch.setattr(fit_files, "restore", Mock(side_effect=AssertionError("computed again")))
    for suffix in ("csv", "svg"):
        assert api.get(links[f"response_{suffix}"]).status_code == 200


def test_every_picture_is_drawn_in_every_format(api: Any) -> None:
    fit = api.post(FITS, {"dataset": make_series("2024-02-20")}).json()
    for name in ("response", "contributions"):
        for suffix, start in (("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")):
            response = api.get(fit["links"][f"{name}_{suffix}"], params={"theme": "dark"})
            assert response.content.startswith(start)
    tutorial = api.post(FITS, {}).json()["links"]
    assert api.get(tutorial["contributions_png"]).status_code == 200


def test_without_inputs_there_is_no_response(api: Any) -> None:
    series = make_series(None) | {"inputs": []}
    series["sequences"] = [{"targets": each["targets"]} for each in series["sequences"]]
    links = api.post(FITS, {"dataset": series}).json()["links"]
    for suffix in ("csv", "svg"):
        refused = api.get(links[f"response_{suffix}"])
        assert refused.status_code == 404
        assert "no inputs" in refused.json()["detail"]
    parts = read_table(api.get(links["contributions_csv"]))
    assert list(parts) == ["sequence", "step", "start", "baseline"]


def test_a_log_scale_requires_positive_values(api: Any) -> None:
    positive = api.post(FITS, {"dataset": make_series(None, level=50.0)}).json()["links"]
    contents = {
        api.get(positive["svg"], params={"scale": scale}).content for scale in ("linear", "log")
    }
    assert len(contents) == 2
    negative = api.post(FITS, {"dataset": make_series(None, level=0.0)}).json()["links"]
    refused = api.get(negative["png"], params={"scale": "log"})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["parameter"] == "scale"
    assert "predictions" in error["detail"]
    assert api.get(positive["csv"], params={"scale": "log"}).status_code == 422
    assert api.get(positive["response_png"], params={"scale": "log"}).status_code == 422


def test_the_picture_of_a_fit_has_the_dates_of_its_data(api: Any) -> None:
    contents = set()
    for start in (None, "2024-02-20", "2023-02-20"):
        fit = api.post(FITS, {"dataset": make_series(start), "delay": 0}).json()
        svg = api.get(fit["links"]["svg"]).text
        contents.add(svg[svg.index("</metadata>") :])  # which contains the request
    assert len(contents) == 3


class Reader(HTMLParser):
    """The elements of a page with their attributes, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_report_has_the_fit_without_scripts(api: Any) -> None:
    name = "<script>alert(1)</script>"
    rows = [f"day,x,{name}"]
    rows += [f"2024-01-{day:02},{day % 5},{(3 * day) % 7}" for day in range(1, 30) if day != 9]
    query = f"?kind=series&target={quote(name)}&inputs=x&time=day&gaps=sequences"
    dataset = {"kind": "stored", "id": api.upload("\n".join(rows), query=query).json()["id"]}
    fit = api.post(FITS, {"dataset": dataset}).json()
    response = api.get(fit["links"]["report"])
    assert response.headers["content-type"].partition(";")[0] == "text/html"
    assert response.headers["content-disposition"].startswith("attachment")
    page = Reader(response.text)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "a", "svg"}
    policies = [each["content"] for tag, each in page.elements if "http-equiv" in each]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    sources = [str(each["src"]) for tag, each in page.elements if tag == "img"]
    assert len(sources) == 3
    for source in sources:
        assert source.startswith("data:image/svg+xml;base64,")
        ET.fromstring(b64decode(source.partition(",")[2]))  # noqa: S314 - our own
    assert set(fit["summary"]["sentences"]) <= set(page.texts)
    for text in (f"{name} (28 values)", "x", "1 day", "; ".join(fit["repairs"])):
        assert text in page.texts
    (footer,) = (text for text in page.texts if fit["id"] in text)
    assert footer.endswith(f"result version {fit['result_version']}")
    assert f'"id": "{dataset["id"]}"' in response.text.replace("&quot;", '"')


def test_a_fit_without_inputs_and_a_verdict_has_a_report(api: Any) -> None:
    series = make_series(None) | {"inputs": []}
    sequences = [{"targets": [9, 7, 6, 4.5, 4, 3, 2.5, 2, 1.6, 1.2]}]
    fit = api.post(FITS, {"dataset": series | {"sequences": sequences}, "verdict": False}).json()
    page = Reader(api.get(fit["links"]["report"]).text)
    assert [tag for tag, _ in page.elements].count("img") == 2
    assert "Fit of y" in page.texts
