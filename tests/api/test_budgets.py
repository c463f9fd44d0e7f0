"""No request spends more than its budget and one block, and all spend about as estimated."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest

N_REQUESTS: Final = 300
LIMITS: Final = {
    "max_work_seconds": 0.4,
    "max_picture_seconds": 0.4,
    "max_sync_seconds": 0.2,
    "max_cells": 2_000_000,
}
# Of CPU. Most blocks take a tenth of a second. The decomposition of 2,000 by 1,000 numbers takes up
# to three quarters, and several times as long if the threads of numpy wait for other processes.
BLOCK_SECONDS: Final = 2.5
OPTIMIZERS: Final[list[dict[str, Any]]] = [
    {"name": "rprop"},
    {"name": "irprop_minus"},
    {"name": "levenberg_marquardt"},
    {"name": "gradient_descent", "learning_rate": 1e-3},
    {"name": "adam", "learning_rate": 1e-2},
]


class Requests:
    """Random requests to every endpoint that computes."""

    def __init__(self, seed: int, series: str, fit: str) -> None:
        self.random = np.random.default_rng(seed)
        self.series = series
        self.fit = fit

    def choose(self, *options: Any) -> Any:
        return options[self.random.integers(len(options))]

    def number(self) -> float:
        """Return a number near 1, or of any size up to 1e150 either way."""
        size = self.choose(self.random.normal(), 10.0 ** self.random.uniform(-150, 150))
        return float(self.choose(-1, 1) * size)

    def weights(self) -> dict[str, float]:
        return {"w_in": self.number(), "w_rec": self.number()}

    def range(self) -> dict[str, float]:
        low, high = self.choose((-3, 3), (0, 1e308), (-8e307, 8e307), (0, 1e-290), (-100, 100))
        return {"low": low, "high": high}

    def objective(self) -> dict[str, Any]:
        n_steps = self.choose(1, 10, 100, 1000, 10_000)
        n_samples = min(self.choose(1, 20, 1000, 20_000), LIMITS["max_cells"] // n_steps)
        state = self.choose(0.0, 0.5, 1e-90, -1e90)
        return {
            "dataset": {"n_samples": int(n_samples), "n_steps": n_steps},
            "network": {
                "activation": self.choose("identity", "identity", "tanh", "relu", "sigmoid"),
                "initial_state": state,
            },
        }

    def training(self) -> dict[str, Any]:
        return {
            **self.objective(),
            "optimizer": self.choose(*OPTIMIZERS),
            "n_iterations": self.choose(1, 100, 3000),
            "keep": self.choose(True, False),
        }

    def window(self) -> dict[str, Any]:
        resolution = self.choose(2, 25, 100)
        return {"w_in": self.range(), "w_rec": self.range(), "resolution": resolution}

    def next(self) -> tuple[str, dict[str, Any]]:
        kinds: dict[str, Callable[[], dict[str, Any]]] = {
            "predict": self.prediction,
            "evaluate": self.points,
            "gradient-trace": self.points,
            "gradient-trace.csv": self.points,
            "gradient-trace.svg": self.points,
            "gradient-check": lambda: {**self.objective(), "weights": self.weights()},
            "optimum": self.objective,
            "cost-surface": lambda: {**self.objective(), "windows": [self.window()]},
            "cost-surface.npz": lambda: {**self.objective(), "windows": [self.window()]},
            "cost-surface.png": self.picture,
            "cost-surface.pdf": self.picture,
            "training-runs": lambda: {**self.training(), "initial_weights": self.weights()},
            "basin-maps": lambda: {**self.training(), "window": self.window()},
            "fits": self.fitting,
        }
        path = self.choose(*kinds)
        return f"/v1/{path}", kinds[path]()

    def points(self) -> dict[str, Any]:
        count = self.choose(1, 6, 50)
        return {**self.objective(), "points": [self.weights() for _ in range(count)]}

    def picture(self) -> dict[str, Any]:
        body = {**self.objective(), "windows": [self.window() for _ in range(2)]}
        for window in body["windows"]:
            del window["resolution"]
        marks = [[], ["optimum"], ["valley"]] if body["network"]["activation"] == "identity" else []
        return {**body, **({"marks": self.choose(*marks)} if marks else {})}

    def prediction(self) -> dict[str, Any]:
        lengths = self.random.integers(1, self.choose(3, 500), size=self.choose(1, 30, 300))
        if self.choose(True, False):
            steps = [[[1.0]] * int(length) for length in lengths]
            return {"model": {"kind": "fit", "id": self.fit, "initial_state": 1}, "inputs": steps}
        inputs = [[1.0] * int(length) for length in lengths]
        return {"weights": self.weights(), "network": self.objective()["network"], "inputs": inputs}

    def fitting(self) -> dict[str, Any]:
        dataset = self.choose({"kind": "stored", "id": self.series}, self.objective()["dataset"])
        return {
            "dataset": dataset,
            "delay": self.choose(0, {"low": 0, "high": 5}),
            "noise": self.choose("white", "ar1"),
            "w_rec": self.choose({"low": 0, "high": 1}, {"low": -1, "high": 1}),
            "keep": self.choose(True, False),
        }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_no_request_spends_more_than_its_budget_and_a_block(make_api: Any, seed: int) -> None:
    api = make_api(**LIMITS)
    random = np.random.default_rng(1)
    inputs = random.random((400, 1))
    targets = np.convolve(inputs[:, 0], 0.8 ** np.arange(50))[:400] + random.normal(size=400)
    sequence = {"inputs": inputs.tolist(), "targets": targets.tolist()}
    series = {"kind": "series", "inputs": ["x"], "sequences": [sequence]}
    stored = api.post("/v1/datasets", series).json()["id"]
    fitted = make_api(max_sync_seconds=60).post("/v1/fits", {"dataset": {"id": stored}}).json()
    records: list[Any] = []
    api.app.state.service.observers.append(records.append)
    requests = Requests(seed, stored, fitted["id"])
    estimated = spent = 0.0
    for _ in range(N_REQUESTS // 6):
        path, body = requests.next()
        records.clear()
        response = api.post(path, body)
        assert response.status_code in {200, 201, 202, 422}, (path, body, response.text)
        is_job = path in {"/v1/training-runs", "/v1/basin-maps", "/v1/fits"}
        allowed = LIMITS["max_sync_seconds"] if is_job else LIMITS["max_work_seconds"]
        (record,) = records
        assert record.work.spent <= allowed + BLOCK_SECONDS, (path, body, record.work)
        if response.status_code != 202:  # a worker spends what is estimated for a job
            estimated, spent = estimated + record.work.estimated, spent + record.work.spent
    assert spent <= 3.0 * estimated


LARGE: Final = {"dataset": {"n_samples": 1000, "n_steps": 1000}}
LONG: Final = {"dataset": {"n_samples": 1, "n_steps": 10_000}}
SLOW: Final = {"network": {"activation": "tanh"}, "dataset": {"n_steps": 100}}


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("cost-surface?activation=tanh&n_steps=1000", None, "n_steps"),
        ("cost-surface.npz?activation=tanh&n_steps=1000&resolution=99", None, "resolution"),
        ("gradient-trace?n_samples=1000&n_steps=1000&point=1,2", None, "point"),
        ("gradient-trace.csv?n_samples=1000&n_steps=1000&point=1,2", None, "point"),
        ("optimum", LONG, "/dataset"),
        ("evaluate", LARGE, "/dataset"),
        ("gradient-check", LARGE, "/dataset"),
        ("predict", LONG, "/dataset"),
        ("predict.csv", LONG, "/dataset"),
        ("predict", {"inputs": [[1] * 10_000]}, "/inputs"),
        ("training-runs", {"n_iterations": 20_000}, "/n_iterations"),
        ("training-runs", {"n_iterations": 20_000, **SLOW}, "/n_iterations"),
    ],
)
def test_too_much_work_is_refused(make_api: Any, path: str, body: Any, place: str) -> None:
    api = make_api(max_work_seconds=0.001, max_job_seconds=0.001)
    response = api.get(f"/v1/{path}") if body is None else api.post(f"/v1/{path}", body)
    problem = api.refused(response, place, "0.001")
    assert problem["type"] == "/problems/limit-exceeded"
