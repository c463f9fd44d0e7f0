"""Plans and goals of /v1/predict."""

from typing import Any

import numpy as np
import pytest

from tests.api.conftest import read_table
from tests.api.routes.test_fits import INPUTS, make_series, run_model

OTHER = [[2.0, 0.0], [0.5, 0.5], [0.0, 9.0]]
PLANS = [{"name": "A", "inputs": INPUTS}, {"name": "B", "inputs": OTHER}]


def ask(api: Any, fit: dict[str, Any] | None = None, **changes: Any) -> tuple[Any, Any]:
    """Return a fit, and the response to plans that continue its sequence."""
    result = api.post("/v1/fits", {"dataset": make_series(), **(fit or {})}).json()
    model = {"kind": "fit", "id": result["id"]}
    body = {"model": model, "plans": PLANS, "continue": {}} | changes
    return result, api.post("/v1/predict", body)


def test_plans_are_compared_with_the_first(api: Any) -> None:
    result, response = ask(api)
    answer = response.json()
    assert answer["plans"] == ["A", "B"]
    for k, plan in enumerate((INPUTS, OTHER)):
        one = {"model": answer["model"], "inputs": [plan], "continue": {}}
        one["model"] = {"kind": "fit", "id": result["id"]}
        assert answer["outputs"][k] == api.post("/v1/predict", one).json()["outputs"][0]
    (difference,) = answer["differences"]
    assert (difference["plan"], difference["from"]) == ("B", "A")
    change = np.subtract(OTHER, INPUTS).tolist()
    expected = np.subtract(run_model(result, change, 0.0), result["offset"]["value"])
    assert difference["outputs"] == pytest.approx(expected.tolist())
    assert difference["total"]["value"] == pytest.approx(expected.sum())
    for low, value, high in zip(*(difference[n] for n in ("low", "outputs", "high")), strict=True):
        assert low < value < high
    assert answer["goal"] is None
    summary = answer["summary"]
    assert summary["level"] == result["summary"]["level"]
    verdict, beyond, *ends, words = summary["sentences"]
    assert verdict == "The fit passed all checks."
    largest = max(x for _, x in make_series()["sequences"][0]["inputs"])
    assert beyond == f"heating of plan B reaches 9; in the data it is at most {largest:.3g}."
    for name, end in zip("AB", ends, strict=True):
        assert end.startswith(f"With plan {name}, sales ends at ")
    assert words.startswith("Plan B instead of A changes sales by ")


def test_plans_as_a_table(api: Any) -> None:
    result, response = ask(api)
    body = {"model": {"kind": "fit", "id": result["id"]}, "plans": PLANS, "continue": {}}
    assert api.post("/v1/predict.csv", body).headers["content-type"].startswith("text/csv")
    renamed = body | {"plans": [{**PLANS[0], "name": "C"}, PLANS[1]]}
    tags = [api.post("/v1/predict.csv", each).headers["etag"] for each in (body, renamed, body)]
    assert tags[0] == tags[2] != tags[1]
    names = [{**PLANS[0], "name": "=1,2"}]
    quoted = api.post("/v1/predict.csv", body | {"plans": names}).text.splitlines()[1]
    assert quoted.startswith('"\'=1,2",1,')
    table = read_table(api.post("/v1/predict.csv", body))
    assert table["plan"] == ["A"] * 3 + ["B"] * 3
    assert table["difference"][:3] == [""] * 3
    assert "time" not in table
    (difference,) = response.json()["differences"]
    assert [float(x) for x in table["difference_high"][3:]] == difference["high"]


def test_the_input_of_a_goal_is_returned(api: Any) -> None:
    goal = {"output": 12.0, "input": "spend", "at": 3, "kind": "once"}
    result, response = ask(api, goal=goal)
    report = response.json()["goal"]
    plan = [[report["value"], 0.0], *INPUTS[1:]]
    _, reached = ask(api, plans=[{"name": "A", "inputs": plan}])
    assert reached.json()["outputs"][0][2] == pytest.approx(12.0)
    (span,) = report["intervals"]
    assert span["low"] < report["value"] < span["high"]
    last = [each for each in response.json()["summary"]["sentences"] if "single spend" in each]
    assert len(last) == 1
    _, long = ask(api, goal={"output": 12.0, "input": "spend"})
    report = long.json()["goal"]
    gains = [each["steady_state_gain"]["value"] for each in result["inputs"]]
    level = result["offset"]["value"] + gains[1] * INPUTS[-1][1]
    assert report["value"] == pytest.approx((12.0 - level) / gains[0])


def test_a_rejected_fit_says_that_its_plans_are_not_reliable(api: Any) -> None:
    rng = np.random.default_rng(4)
    series = make_series()
    for sequence in series["sequences"]:
        sequence["targets"] = rng.standard_normal(60).cumsum().tolist()
    _, response = ask(api, {"dataset": series})
    summary = response.json()["summary"]
    assert summary["level"] not in {"trusted", "caution"}
    assert summary["sentences"][0].startswith("Not reliable: ")
    _, response = ask(api, {"verdict": False})
    assert response.json()["summary"] == {
        "level": None,
        "sentences": ["The fit was not checked.", *response.json()["summary"]["sentences"][1:]],
    }


NAMED = [{"name": "A", "inputs": INPUTS}]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"inputs": [INPUTS]}, ""),
        ({"plans": []}, "/plans"),
        ({"plans": NAMED * 2}, "/plans"),
        ({"plans": [*NAMED, {"name": "B", "inputs": INPUTS[:2]}]}, "/plans/1/inputs"),
        ({"plans": [{"name": "A", "inputs": [1, 2]}]}, "/plans/0/inputs"),
        ({"plans": [{"name": "A", "inputs": [[1, 2], [1]]}]}, "/plans/0/inputs/1"),
        ({"plans": [{"name": "A", "inputs": [[1, "2"]]}]}, "/plans/0/inputs/0/1"),
        ({"plans": None, "inputs": [INPUTS], "goal": {"output": 1}}, "/goal"),
        ({"goal": {"output": 1}}, "/goal/input"),
        ({"goal": {"output": 1, "input": "rain"}}, "/goal/input"),
        ({"goal": {"output": 1, "input": "spend", "at": 4}}, "/goal/at"),
        ({"goal": {"output": 1, "input": "spend", "at": 0}}, "/goal/at"),
        ({"goal": {"output": 1, "input": "spend", "kind": "once"}}, "/goal"),
        ({"continue": {"sequence": 1}}, "/continue/sequence"),
        ({"continue": None}, "/model/initial_state"),
        ({"model": {}}, "/plans"),
    ],
    ids=str,
)
def test_invalid_plans(api: Any, changes: Any, pointer: str) -> None:
    api.refused(ask(api, **changes)[1], pointer)


def test_plans_are_drawn(api: Any) -> None:
    result, _ = ask(api)
    body = {"model": {"kind": "fit", "id": result["id"]}, "plans": PLANS, "continue": {}}
    picture = api.post("/v1/predict.svg?title=Next steps", body)
    assert picture.headers["content-type"] == "image/svg+xml"
    for words in (
        "Next steps",
        "The fit passed all checks.",
        "<!-- sales -->",
        "minus A",
        "<!-- B -->",
    ):
        assert words in picture.text
    assert "95 % band of the mean" in picture.text
    alone = api.post("/v1/predict.svg", body | {"plans": PLANS[:1]})
    assert "Plans for sales" in alone.text
    assert "minus A" not in alone.text
    rest = {"id": result["id"], "initial_state": 0}
    goal = {"output": 1, "input": "spend"}
    drawn: list[dict[str, Any]] = [{"continue": None, "model": rest}, {"goal": goal}]
    for changes in drawn:
        assert api.post("/v1/predict.png", body | changes).content.startswith(b"\x89PNG")
    api.refused(api.post("/v1/predict.pdf", body | {"plans": None}), "/plans")
    api.refused(api.post("/v1/predict.pdf", body | {"model": {}}), "/model/kind")
    for pointer in ("/model", "/plans"):
        api.refused(api.post("/v1/predict.pdf"), pointer)
        api.refused(api.post("/v1/predict.pdf", {}), pointer)
