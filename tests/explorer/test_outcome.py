"""The outcome of a run in words: each sentence follows from the numbers of the run."""

from typing import Any

import httpx
import pytest

from tests.explorer.conftest import ModuleCaller

DESCRIBE = """({ describeEnd }, { run, home, dataset }) => describeEnd(run, { home, dataset })"""
FULL = [-3.0, 3.0, -3.0, 3.0]


def describe(
    call_node: ModuleCaller, api: httpx.Client, home: list[float] = FULL, **request: Any
) -> dict[str, str]:
    result = api.post("/v1/training-runs", json=request).json()
    trajectory = api.get(result["links"]["trajectory"]).json()
    lines = api.post("/v1/datasets", json=result["request"]["dataset"]).json()["links"]["csv"]
    targets = [float(line.split(",")[-1]) for line in api.get(lines).text.split()[1:]]
    run = {"result": result, "trajectory": trajectory}
    argument = {"run": run, "home": home, "dataset": {"targets": targets}}
    end: dict[str, str] = call_node(["model/outcome"], DESCRIBE, argument)
    return end


def request(
    start: tuple[float, float] | None = None,
    rate: float | None = None,
    activation: str = "identity",
    dataset: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a request, with gradient descent if a rate is given."""
    if start:
        more["initial_weights"] = dict(zip(("w_in", "w_rec"), start, strict=True))
    if rate:
        more["optimizer"] = {"name": "gradient_descent", "learning_rate": rate}
    return {"network": {"activation": activation}, "dataset": dataset or {}, **more}


REMEMBER = {"kind": "remember"}
ONE_STEP = {"n_samples": 1, "n_steps": 1, "seed": 1}
TWO_STEPS = {"n_samples": 2, "n_steps": 2, "seed": 4}
LATCH = (1, 0.5)
HALF = (0.5, 0.5)
ENDS = [
    ("learned", request(), "With these weights it counts every 10-bit sequence correctly."),
    ("learned", request(LATCH, dataset=REMEMBER), "It learned to remember. The cost fell from 1."),
    ("learned", request(dataset=ONE_STEP), "Little to gain: at the start the cost was 0"),
    ("fits", request(dataset={"noise": 30}), "; the lowest possible is 655.5. But it"),
    ("fits", request((0.3, -2.2), dataset=TWO_STEPS), "But it miscounts some 2-bit sequences."),
    ("fits", request(LATCH, None, "tanh", {"n_steps": 1}), "The cost fell from 0.01705 to "),
    ("reached", request(target_cost=1000), "It reached the cost to stop at, 1000: the cost went"),
    ("none", request(n_iterations=0), "There was no iteration: the cost at the start is 6.16×10⁵."),
    ("none", request(target_cost=1e9), "is 6.16×10⁵, not above the cost to stop at, 1.00×10⁹."),
    ("diverged", request(rate=0.001), "It left the plot: iteration 1 moved the weights by 5030."),
    ("diverged", request(rate=0.001, record_every=2), "It left the plot at iteration 2 or shortly"),
    ("diverged", request((1, 1e30), 0.001), "It started outside the plot. The weights overflowed"),
    ("left", request((-2, -2.5)), "It left the plot: iteration "),
    ("stuck", request(LATCH, 0.01, dataset=REMEMBER), "network that always outputs 0 has 1.227"),
    ("slow", request(rate=1e-7), ", by 1"),
    ("slow", request(LATCH, n_iterations=1), "the cost fell from 16.4 to 16.38 in 1 iteration."),
    ("falling", request(HALF, 5e-4), "Still improving: the cost fell from 21.89 to "),
    ("unsteady", request(HALF, 0.003), "It does not settle: in the last quarter of 500"),
    ("worse", request((0.99, 1), 0.003, n_iterations=4), "It got worse: the cost went from "),
    ("bounded", request(HALF, None, "tanh"), "It cannot count: no output of tanh exceeds 1, but"),
    ("bounded", request(LATCH, None, "tanh", REMEMBER, n_iterations=200), "It cannot remember: no"),
    ("dead", request(activation="relu"), "no gradient passes back"),
]


@pytest.mark.parametrize(("key", "body", "text"), ENDS)
def test_the_end_of_a_run_is_named(
    call_node: ModuleCaller, api: httpx.Client, key: str, body: dict[str, Any], text: str
) -> None:
    end = describe(call_node, api, **body)
    assert end["key"] == key, end
    assert text in end["sentence"]
