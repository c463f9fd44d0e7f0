"""/v1/training-runs."""

import csv
import io
import re
from datetime import datetime
from typing import Any

import pytest

from service.api.examples import RUN_ID
from service.engine.training import assemble_trajectory

RUNS = "/v1/training-runs"
EXPLICIT = {
    "kind": "explicit",
    "inputs": [[1, 0.5, 0], [0, 0, 1], [0.25, 1, -0.0]],
    "targets": [1.5, 1, 1.25],
}
QUICK = {"n_iterations": 3}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list that grows with every training that is computed."""
    done: list[Any] = []

    def count(*arguments: Any, **more: Any) -> Any:
        done.append(arguments)
        return assemble_trajectory(*arguments, **more)

    monkeypatch.setattr("service.operations.computations.training.assemble_trajectory", count)
    return done


def test_an_empty_request_repeats_the_tutorial(stored_api: Any, tutorial: Any) -> None:
    response = stored_api.post(RUNS, {})
    assert response.status_code == 201
    run = response.json()
    assert response.headers["location"] == f"{RUNS}/{run['id']}" == run["links"]["self"]
    assert run["id"] == RUN_ID
    assert (run["status"], run["outcome"]) == ("succeeded", "iterations_exhausted")
    assert run["iterations"] == 500
    assert run["progress"] == {"done": 500, "total": 500}
    assert run["attempt"] == 1
    assert run["error"] is None
    moments = [
        datetime.fromisoformat(run[f"{name}_at"]) for name in ("created", "started", "finished")
    ]
    assert moments == sorted(moments)
    start = tutorial["points"][-1]
    assert run["initial"]["cost"] == pytest.approx(start["cost"], rel=1e-12)
    assert run["initial"]["weight_gradient"]["w_rec"] == pytest.approx(start["grad_wRec"])
    golden = tutorial["rprop"]
    assert run["final"]["weights"] == {"w_in": golden["final_wx"], "w_rec": golden["final_wRec"]}
    assert run["final"]["cost"] == pytest.approx(golden["cost_at"]["500"], rel=1e-8)
    assert run["optimum"]["weights"] == {"w_in": 1.0, "w_rec": 1.0}
    assert run["gap_to_optimum"] == pytest.approx(run["final"]["cost"], rel=1e-9)
    times = [datetime.fromisoformat(run[f"{each}_at"]) for each in ("started", "finished")]
    assert 0 < run["compute_seconds"] <= (times[1] - times[0]).total_seconds() + 0.001


def test_a_repeated_request_returns_the_same_run(stored_api: Any, trained: list[Any]) -> None:
    first = stored_api.post(RUNS)
    spelled = [
        '{"n_iterations": 5e2, "initial_weights": {"w_rec": 2, "w_in": -1.50}}',
        '{"dataset": {"seed": 1.0, "n_steps": 10, "noise": 0}, "clip": null, "keep": true}',
        '{"optimizer": {"eta_plus": 1.2}}',
        '{"optimizer": {"name": "rprop"}, "dataset": {"kind": "count_ones", "noise": -0.0}}',
    ]
    for text in spelled:
        again = stored_api.post_text(RUNS, text)
        assert again.status_code == 200
        assert "location" not in again.headers
        assert again.json() == first.json()
    assert stored_api.get(f"{RUNS}/{RUN_ID}").json() == first.json()
    again = stored_api.post(RUNS, {}, headers={"prefer": "respond-async"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(trained) == 1


def test_identical_simultaneous_requests_compute_once(stored_api: Any, trained: list[Any]) -> None:
    responses = stored_api.at_once("POST", RUNS, 8, json={"n_iterations": 2000})
    assert sorted(response.status_code for response in responses) == [200] * 7 + [201]
    assert len({response.content for response in responses}) == 1
    assert len(trained) == 1


def test_the_trajectory(stored_api: Any, tutorial: Any) -> None:
    stored_api.post(RUNS)
    here = f"{RUNS}/{RUN_ID}/trajectory"
    result = stored_api.get(here).json()
    assert result["iteration"] == list(range(501))
    for iteration, (w_in, w_rec) in tutorial["rprop"]["trajectory"].items():
        assert (result["w_in"][int(iteration)], result["w_rec"][int(iteration)]) == (w_in, w_rec)
    for iteration, cost in tutorial["rprop"]["cost_at"].items():
        assert result["cost"][int(iteration)] == pytest.approx(cost, rel=1e-8)
    table = stored_api.get(f"{here}.csv")
    assert table.text.startswith("iteration,w_in,w_rec,cost,log10_cost\r\n0,-1.5,2.0,615689.775,")
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    for name, column in result.items():
        assert [float(row[name]) for row in rows] == column


def test_recorded_iterations(api: Any) -> None:
    run = api.post(RUNS, {"n_iterations": 25, "record_every": 10}).json()
    result = api.get(run["links"]["trajectory"]).json()
    assert result["iteration"] == [0, 10, 20, 25]  # always with the last one
    assert result["w_in"][-1] == run["final"]["weights"]["w_in"]
    start = api.post(RUNS, {"n_iterations": 0}).json()
    assert start["final"] == start["initial"]
    assert (start["outcome"], start["iterations"]) == ("iterations_exhausted", 0)
    assert api.get(start["links"]["trajectory"]).json()["iteration"] == [0]


def test_the_target_is_tested_before_the_first_iteration(api: Any) -> None:
    run = api.post(RUNS, {"target_cost": 615689.775, "keep": False}).json()
    assert (run["outcome"], run["iterations"]) == ("target_reached", 0)
    run = api.post(RUNS, {"target_cost": 0.04, "keep": False}).json()
    assert run["outcome"] == "target_reached"
    assert 0 < run["iterations"] < 500
    costs = run["trajectory"]["cost"]
    assert costs[-1] <= 0.04 < min(costs[:-1])
    assert run["progress"] == {"done": run["iterations"], "total": 500}


def test_nothing_is_stored_without_keep(stored_api: Any, trained: list[Any]) -> None:
    for _ in range(2):
        response = stored_api.post(RUNS, {"dataset": EXPLICIT, "keep": False, "n_iterations": 2})
        assert response.status_code == 200
        assert "location" not in response.headers
        run = response.json()
        assert (run["id"], run["links"]) == (None, None)
        assert run["trajectory"]["iteration"] == [0, 1, 2]
        assert "keep" not in run["request"]
    assert len(trained) == 2
    assert stored_api.get(RUNS).json() == {"items": [], "next_cursor": None}
    assert stored_api.get("/v1/datasets").json() == {"items": [], "next_cursor": None}


def test_an_explicit_dataset_is_stored_first(stored_api: Any, trained: list[Any]) -> None:
    run = stored_api.post(RUNS, {"dataset": EXPLICIT, **QUICK}).json()
    stored = run["request"]["dataset"]
    assert stored.keys() == {"kind", "id"}
    assert stored["kind"] == "stored"
    response = stored_api.post("/v1/datasets", EXPLICIT)
    assert (response.status_code, response.json()["id"]) == (200, stored["id"])
    again = stored_api.post(RUNS, {"dataset": stored, **QUICK})  # the same request
    assert (again.status_code, again.json()["id"]) == (200, run["id"])
    assert stored_api.post(RUNS, run["request"]).json()["id"] == run["id"]
    assert len(trained) == 1
    other = {**EXPLICIT, "targets": [1, 2, 3]}
    job = stored_api.post(RUNS, {"dataset": other}, headers={"prefer": "respond-async"}).json()
    response = stored_api.post("/v1/datasets", other)
    assert (response.status_code, response.json()["id"]) == (200, job["request"]["dataset"]["id"])


def test_deleting(stored_api: Any, trained: list[Any]) -> None:
    run = stored_api.post(RUNS, {"dataset": EXPLICIT, **QUICK}).json()
    here, data = run["links"]["self"], f"/v1/datasets/{run['request']['dataset']['id']}"
    refused = stored_api.delete(data)
    assert refused.status_code == 409
    assert refused.json()["referrers"] == [run["id"]]
    gone = stored_api.delete(here)
    assert (gone.status_code, gone.content) == (204, b"")
    for path in (here, *run["links"].values()):
        assert stored_api.get(path).status_code == 404
    assert stored_api.delete(here).status_code == 404
    new = stored_api.post(RUNS, {"dataset": EXPLICIT, **QUICK})
    assert (new.status_code, new.json()["id"], new.json()["attempt"]) == (201, run["id"], 1)
    assert len(trained) == 2
    stored_api.delete(here)
    assert stored_api.delete(data).status_code == 204


def test_at_most_ten_referrers(stored_api: Any) -> None:
    ids = [
        stored_api.post(RUNS, {"dataset": EXPLICIT, "n_iterations": n}).json()["id"]
        for n in range(12)
    ]
    run = stored_api.get(f"{RUNS}/{ids[0]}").json()
    response = stored_api.delete(f"/v1/datasets/{run['request']['dataset']['id']}")
    assert response.json()["referrers"] == ids[:1:-1]  # the newest ten


def test_pages(stored_api: Any) -> None:
    ids = [stored_api.post(RUNS, {"n_iterations": n}).json()["id"] for n in range(3)]
    first = stored_api.get(f"{RUNS}?limit=2").json()
    rest = stored_api.get(f"{RUNS}?limit=2&cursor={first['next_cursor']}").json()
    assert [run["id"] for run in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    assert first["items"][0] == stored_api.get(f"{RUNS}/{ids[-1]}").json()


def test_exploding_weights(api: Any) -> None:
    """At w_rec = 50 over 1,000 steps every cost overflows float64, but not its logarithm."""
    body = {
        "dataset": {"n_steps": 1000},
        "initial_weights": {"w_in": 1, "w_rec": 50},
        "n_iterations": 20,
    }
    run = api.post(RUNS, body).json()
    assert run["outcome"] == "iterations_exhausted"
    for evaluation in (run["initial"], run["final"]):
        assert evaluation["cost"] is None
        assert 3300 < evaluation["log10_cost"] < 3500
        assert evaluation["weight_gradient"] == {"w_in": None, "w_rec": None}
    assert run["final"]["log10_cost"] < run["initial"]["log10_cost"]
    result = api.get(run["links"]["trajectory"]).json()
    assert result["cost"] == [None] * 21
    assert None not in result["log10_cost"]
    table = api.get(run["links"]["csv"]).text.splitlines()
    assert table[1].startswith("0,1.0,50.0,,3394.1531852")


def test_a_run_that_diverges_has_no_weights(api: Any) -> None:
    body = {
        "optimizer": {"name": "gradient_descent", "learning_rate": 1},
        "initial_weights": {"w_in": 3, "w_rec": 3},
    }
    run = api.post(RUNS, body).json()
    assert run["outcome"] == "diverged"
    assert None in run["final"]["weights"].values()
    assert (run["final"]["cost"], run["final"]["log10_cost"]) == (None, None)
    assert set(run["final"]["weight_gradient"].values()) == {None}
    assert run["gap_to_optimum"] is None
    assert run["iterations"] < 500
    refused = api.post("/v1/predict", {"model": {"kind": "run", "id": run["id"]}})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")


def test_every_optimizer_with_its_defaults(api: Any) -> None:
    for optimizer in api.get("/v1/optimizers").json()["items"]:
        body = {"optimizer": {"name": optimizer["name"]}, "n_iterations": 5, "keep": False}
        if optimizer["accepts_clip"]:
            body["clip"] = {}
        run = api.post(RUNS, body).json()
        assert run["iterations"] == 5
        for text in (optimizer["variant"], optimizer["source"]):
            assert text.strip() == text != ""
            assert not re.search(r"\n|---", text)
        requested = run["request"]["optimizer"]
        parameters = {each["name"]: each["default"] for each in optimizer["parameters"]}
        assert requested == {"name": optimizer["name"], **parameters}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"n_iterations": 1_000_001}, "/n_iterations"),
        ({"clip": {"by": "norm"}}, "/clip"),
        ({"optimizer": {"name": "levenberg_marquardt"}, "clip": {"by": "norm"}}, "/clip"),
        ({"network": {"initial_state": -9e-101}}, "/network/initial_state"),
        ({"dataset": {"n_samples": 1_000_000, "n_steps": 10_000}}, "/dataset"),
        ({"dataset": {**EXPLICIT, "inputs": [[1, 2], [3]]}}, "/dataset/inputs/1"),
    ],
)
def test_invalid_bodies(api: Any, body: Any, pointer: str) -> None:
    api.refused(api.post(RUNS, body), pointer)


def test_limits(make_api: Any) -> None:
    api = make_api(max_iterations=50, max_json_numbers=100, max_cells=1000)
    result = api.refused(api.post(RUNS, {"n_iterations": 51}), "/n_iterations", "limit is 50")
    assert result["type"] == "/problems/limit-exceeded"
    api.refused(api.post(RUNS, {"dataset": {"n_samples": 101}}), "/dataset", "limit is 1000")
    refused = api.post(RUNS, {"n_iterations": 40, "keep": False})
    api.refused(refused, "/record_every", "numbers in JSON; the limit is 100")
    run = api.post(RUNS, {"n_iterations": 40})
    assert run.status_code == 201
    result = api.get(run.json()["links"]["trajectory"])
    assert result.status_code == 422
    assert "record_every" in result.json()["detail"]
    assert len(api.get(run.json()["links"]["csv"]).text.splitlines()) == 42


def test_a_run_that_takes_longer_than_estimated_goes_on_as_a_job(
    make_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_short(*arguments: Any, **_: Any) -> float:
        return 1e-6 * float(arguments[2])  # per iteration

    monkeypatch.setattr("service.operations.computations.training.training_seconds", too_short)
    api = make_api(max_sync_seconds=1.0)
    body = {"n_iterations": 1_000_000, "record_every": 100_000}
    response = api.post(RUNS, body)
    run = response.json()
    assert (response.status_code, run["status"]) == (202, "queued")
    assert response.headers["location"] == f"{RUNS}/{run['id']}"
    assert 0 < run["progress"]["done"] < run["progress"]["total"]
    assert 1.0 <= run["compute_seconds"] < 2.0
    assert api.post(RUNS, body).json() == run
    result = api.refused(api.post(RUNS, {**body, "keep": False}), "/keep", "keep it instead")
    assert result["limit"] == 1.0
    assert 1.0 <= result["spent"] < 2.0


def test_levenberg_marquardt_reads_the_samples_of_a_stored_dataset(api: Any) -> None:
    """One of its sums is not among the stored moments."""
    stored = api.post("/v1/datasets", {"kind": "count_ones", "seed": 8}).json()["id"]
    body = {"optimizer": {"name": "levenberg_marquardt"}, "target_cost": 1e-20, "keep": False}
    by_id, drawn = (
        api.post(RUNS, {**body, "dataset": dataset}).json()
        for dataset in ({"kind": "stored", "id": stored}, {"kind": "count_ones", "seed": 8})
    )
    assert by_id["final"] == drawn["final"]
    assert by_id["outcome"] == "target_reached"
    assert by_id["iterations"] < 100
