"""/v1/gradient-trace."""

import csv
import io
import math
from typing import Any

import pytest

NOTE_POINTS = [(2, 1), (1, 2), (1, -2), (1, 0), (1, 0.5), (1, -0.5)]


def test_an_empty_request_repeats_the_tutorial(api: Any, tutorial: Any) -> None:
    responses = [
        api.post("/v1/gradient-trace", {}),
        api.post("/v1/gradient-trace"),
        api.get("/v1/gradient-trace"),
    ]
    assert len({response.content for response in responses}) == 1
    traces = responses[0].json()["traces"]
    assert [(t["point"]["w_in"], t["point"]["w_rec"]) for t in traces] == NOTE_POINTS
    for trace, golden in zip(traces, tutorial["points"], strict=False):  # then the start
        assert trace["gradient"] == pytest.approx(golden["gradient_over_time_true"], rel=1e-12)
        assert trace["weight_gradient"]["w_in"] == pytest.approx(golden["grad_wx"], rel=1e-12)
        assert trace["weight_gradient"]["w_rec"] == pytest.approx(golden["grad_wRec"], rel=1e-12)
        assert trace["growth_per_step"] == abs(golden["wRec"])


def test_the_aggregation_of_the_tutorial(api: Any, tutorial: Any) -> None:
    summed = api.get("/v1/gradient-trace").json()["traces"]
    traces = api.get("/v1/gradient-trace?aggregation=tutorial").json()["traces"]
    for trace, true, golden in zip(traces, summed, tutorial["points"], strict=False):
        assert trace["gradient"] == pytest.approx(golden["gradient_over_time_seed"], rel=1e-12)
        assert trace["weight_gradient"] == true["weight_gradient"]


def test_logarithms_over_ten_thousand_steps(api: Any) -> None:
    body = {"dataset": {"n_steps": 10_000}, "points": [{"w_in": 1, "w_rec": 2}]}
    (trace,) = api.post("/v1/gradient-trace", body).json()["traces"]
    assert len(trace["gradient"]) == 10_001
    assert trace["gradient"][0] is None
    assert None not in trace["log10_magnitude"]
    steps = trace["log10_magnitude"]
    assert steps[0] - steps[10_000] == pytest.approx(10_000 * math.log10(2), rel=1e-10)
    # The last gradient is 2 (Σ y - Σ t) / n: about the largest output, 2 to the 10,000th.
    assert steps[10_000] == pytest.approx(10_000 * math.log10(2), abs=1)
    assert set(trace["sign"]) == {1}
    assert (trace["growth_per_step"], trace["regime"]) == (2.0, "exploding")
    assert trace["weight_gradient"] == {"w_in": None, "w_rec": None}


@pytest.mark.parametrize("aggregation", ["sum", "tutorial"])
@pytest.mark.parametrize("activation", ["identity", "tanh", "relu", "sigmoid"])
def test_the_table_and_the_json_agree(api: Any, activation: str, aggregation: str) -> None:
    body = {"network": {"activation": activation}, "aggregation": aggregation}
    traces = api.post("/v1/gradient-trace", body).json()["traces"]
    response = api.post("/v1/gradient-trace.csv", body)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert response.text.startswith("w_in,w_rec,k,gradient,log10_magnitude,sign\r\n")
    assert len(rows) == 66

    def number(text: str) -> float | None:
        return float(text) if text else None

    for i, row in enumerate(rows):
        trace, k = traces[i // 11], i % 11
        assert int(row["k"]) == k
        assert float(row["w_in"]) == trace["point"]["w_in"]
        assert float(row["w_rec"]) == trace["point"]["w_rec"]
        assert number(row["gradient"]) == trace["gradient"][k]
        assert number(row["log10_magnitude"]) == trace["log10_magnitude"][k]
        assert int(row["sign"]) == trace["sign"][k]


def test_get_and_post_agree(api: Any) -> None:
    spelled = (
        "/v1/gradient-trace?n_samples=7&n_steps=5&seed=3&noise=0.5&activation=tanh"
        "&initial_state=0.5&point=2,1&point=-1e-1,2.5&aggregation=tutorial"
    )
    body = {
        "dataset": {"n_samples": 7, "n_steps": 5, "seed": 3, "noise": 0.5},
        "network": {"activation": "tanh", "initial_state": 0.5},
        "points": [{"w_in": 2, "w_rec": 1}, {"w_in": -0.1, "w_rec": 2.5}],
        "aggregation": "tutorial",
    }
    assert api.get(spelled).content == api.post("/v1/gradient-trace", body).content
    for suffix in ("csv", "svg"):
        path = spelled.replace("trace?", f"trace.{suffix}?")
        response = api.post(f"/v1/gradient-trace.{suffix}", body)
        assert api.get(path).content == response.content
        assert api.get(path).headers["etag"] == response.headers["etag"]


def test_too_many_numbers_for_json_point_to_csv(make_api: Any) -> None:
    api = make_api(max_json_numbers=1000)
    result = api.refused(api.get("/v1/gradient-trace?n_steps=60"), "point", "1000", ".csv")
    assert result["type"] == "/problems/limit-exceeded"
    assert api.get("/v1/gradient-trace.csv?n_steps=60").status_code == 200
