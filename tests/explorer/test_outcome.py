"""What came of a run, in words: each sentence follows from the numbers of the run."""

from typing import Any

import httpx
import pytest

from tests.explorer.conftest import ModuleCaller

DESCRIBE = """({ describeEnd }, { run, home, dataset }) => describeEnd(run, { home, dataset })"""
FULL = [-3.0, 3.0, -3.0, 3.0]


def describe(
    call_modules: ModuleCaller, api: httpx.Client, home: list[float] = FULL, **request: Any
) -> dict[str, str]:
    result = api.post("/v1/training-runs", json=request).json()
    trajectory = api.get(result["links"]["trajectory"]).json()
    lines = api.post("/v1/datasets", json=result["request"]["dataset"]).json()["links"]["csv"]
    targets = [float(line.split(",")[-1]) for line in api.get(lines).text.split()[1:]]
    run = {"result": result, "trajectory": trajectory}
    argument = {"run": run, "home": home, "dataset": {"targets": targets}}
    end: dict[str, str] = call_modules(["model/outcome"], DESCRIBE, argument)
    return end


DESCENT = {"name": "gradient_descent", "learning_rate": 0.001}
REMEMBER = {"dataset": {"kind": "remember"}, "initial_weights": {"w_in": 1, "w_rec": 0.5}}


@pytest.mark.parametrize(
    ("request_", "key", "texts"),
    [
        ({}, "learned", ["6.16×10⁵ to 1.80×10⁻⁶ in 500", "it counts every sequence of 10 bits."]),
        ({**REMEMBER}, "learned", ["It learned to remember.", "fell from 1.227 to "]),
        ({"dataset": {"noise": 0.1}}, "learned", ["It learned to count."]),
        ({"dataset": {"noise": 30}}, "fits", ["It fits its sequences.", "it miscounts some"]),
        (
            {"optimizer": DESCENT},
            "diverged",
            ["iteration 1 moved the weights by 5030", "overflowed at iteration 3"],
        ),
        (
            {**REMEMBER, "optimizer": {**DESCENT, "learning_rate": 0.01}},
            "stuck",
            ["after 500 iterations the cost is 1.227", "always answers 0 has 1.227"],
        ),
        (
            {"optimizer": {**DESCENT, "learning_rate": 1e-7}},
            "slow",
            [
                "It did not arrive: the cost went from 6.16×10⁵ to 328.6 in 500 iterations.",
                "In the last quarter of them, it fell by 19%",
            ],
        ),
        (
            {"target_cost": 1000},
            "reached",
            ["It reached the cost to stop at, 1000: the cost went from 6.16×10⁵ to "],
        ),
        (
            {"dataset": {"n_samples": 1, "n_steps": 1, "seed": 1}, "n_iterations": 3},
            "learned",
            ["Nothing to gain: at the start the cost was 0, already close to the lowest possible."],
        ),
        (
            {"n_iterations": 0},
            "none",
            ["There was no iteration: the cost at the start is 6.16×10⁵."],
        ),
        (
            {"target_cost": 1e9},
            "none",
            ["the cost at the start is 6.16×10⁵, not above the cost to stop at, 1.00×10⁹."],
        ),
        (
            {
                "dataset": {"n_samples": 2, "n_steps": 2, "seed": 4},
                "initial_weights": {"w_in": 0.3, "w_rec": -2.2},
            },
            "fits",
            ["It fits its sequences.", "But it miscounts some sequence of 2 bits."],
        ),
        (
            {"n_iterations": 1, "initial_weights": {"w_in": 1, "w_rec": 0.5}},
            "slow",
            ["It did not arrive: the cost went from 16.4 to 16.38 in 1 iteration."],
        ),
        (
            {
                "optimizer": {**DESCENT, "learning_rate": 1e-6},
                "initial_weights": {"w_in": 1, "w_rec": 0.5},
            },
            "slow",
            ["In the last quarter of them, it fell by "],
        ),
        (
            {
                "optimizer": {**DESCENT, "learning_rate": 0.003},
                "initial_weights": {"w_in": 0.99, "w_rec": 1},
                "n_iterations": 4,
            },
            "worse",
            ["It got worse: the cost went from "],
        ),
        (
            {"initial_weights": {"w_in": -2, "w_rec": -2.5}},
            "left",
            ["It left the plot: iteration ", " moved the weights by "],
        ),
        (
            {"optimizer": DESCENT, "n_iterations": 4000, "record_every": 2},
            "diverged",
            ["It left the plot at iteration 2 or shortly before. Its numbers overflowed"],
        ),
        (
            {
                **REMEMBER,
                "network": {"activation": "relu"},
                "initial_weights": {"w_in": 1, "w_rec": -0.5},
            },
            "dead",
            ["A dead relu: no small change of the weights changes an output"],
        ),
        (
            {
                "optimizer": {**DESCENT, "learning_rate": 1e-9},
                "initial_weights": {"w_in": 20, "w_rec": 0.5},
            },
            "slow",
            ["It did not arrive: the cost went from "],
        ),
        (
            {"optimizer": DESCENT, "initial_weights": {"w_in": 1, "w_rec": 1e30}},
            "diverged",
            ["It started outside the plot. Its numbers overflowed at iteration "],
        ),
        (
            {
                "optimizer": {**DESCENT, "learning_rate": 5e-4},
                "initial_weights": {"w_in": 0.5, "w_rec": 0.5},
            },
            "falling",
            ["Not there yet: the cost fell from 21.89 to ", "and is still falling"],
        ),
        (
            {
                "optimizer": {**DESCENT, "learning_rate": 0.003},
                "initial_weights": {"w_in": 0.5, "w_rec": 0.5},
            },
            "unsteady",
            ["It does not settle"],
        ),
        (
            {"network": {"activation": "tanh"}, "initial_weights": {"w_in": 0.5, "w_rec": 0.5}},
            "bounded",
            ["It cannot count: every state of tanh stays below 1", "the targets go up to 7"],
        ),
        (
            {**REMEMBER, "network": {"activation": "tanh"}, "n_iterations": 200},
            "bounded",
            ["It cannot remember: every state of tanh stays below 1", "the targets go up to 1.745"],
        ),
        ({"network": {"activation": "relu"}}, "dead", ["the gradient is exactly 0"]),
        (
            {
                "network": {"activation": "tanh"},
                "dataset": {"n_steps": 1},
                "initial_weights": {"w_in": 1, "w_rec": 0.5},
            },
            "fits",
            ["It fits its sequences. The cost fell from 0.01705 to "],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_end_of_a_run_is_named(
    call_modules: ModuleCaller,
    api: httpx.Client,
    request_: dict[str, Any],
    key: str,
    texts: list[str],
) -> None:
    end = describe(call_modules, api, **request_)
    assert end["key"] == key, end
    for text in texts:
        assert text in end["sentence"]


def test_a_busy_service_is_asked_again(call_modules: ModuleCaller) -> None:
    n_requests, body = call_modules(
        ["model/api"],
        """async ({ getJson }) => {
          const [fetch, setTimer] = [window.fetch, window.setTimeout];
          let n = 0;
          window.setTimeout = (run) => setTimer(run, 0);
          window.fetch = async () => ++n < 3
            ? Response.json({}, { status: 503, headers: { "Retry-After": "2" } })
            : Response.json({ done: true });
          const body = await getJson("v1/x");
          Object.assign(window, { fetch, setTimeout: setTimer });
          return [n, body];
        }""",
    )
    assert (n_requests, body) == (3, {"done": True})
