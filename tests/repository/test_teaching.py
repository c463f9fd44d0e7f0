"""The numbers in docs/teaching.md: each answer is computed again."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[2]
TEACHING = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
SECTION = TEACHING.partition("\n## Answers\n")[2]
ANSWERS = dict(re.findall(r"^(\d+)\. (.*)$", SECTION, re.MULTILINE))
SEQUENCE = [int(bit) for bit in "011000010011"]
GOOD_START = {"w_in": 0.5, "w_rec": 0.5}

Post = Callable[[str, dict[str, Any]], dict[str, Any]]


@pytest.fixture
def post(tmp_path: Path) -> Post:
    """Return a function that sends a request to the application."""

    def send(path: str, body: dict[str, Any]) -> dict[str, Any]:
        async def run() -> httpx.Response:
            transport = httpx.ASGITransport(app=create_app(Settings(data_dir=tmp_path)))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return await client.post(f"/v1/{path}", json=body)

        result: dict[str, Any] = asyncio.run(run()).raise_for_status().json()
        return result

    return send


def train(post: Post, optimizer: str, rate: float, **body: Any) -> dict[str, Any]:
    settings = {"name": optimizer, "learning_rate": rate}
    return post("training-runs", {"optimizer": settings, "keep": False, **body})


def predict(post: Post, w_in: float, w_rec: float) -> float:
    model = {"kind": "weights", "w_in": w_in, "w_rec": w_rec}
    return float(post("predict", {"model": model, "inputs": [SEQUENCE]})["outputs"][0])


def test_every_exercise_has_an_answer() -> None:
    exercises = TEACHING.partition("\n## Exercises\n")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d+)\.", exercises, re.MULTILINE) == list(ANSWERS)
    assert len(ANSWERS) == 8


def test_exercise_1(post: Post) -> None:
    run = {"initial_weights": {"w_in": 1.5, "w_rec": 0.9}, "n_iterations": 0, "keep": False}
    cost = post("training-runs", run)["initial"]["cost"]
    outputs = (predict(post, 1, 0.9), predict(post, 1.5, 0.9))
    expected = f"The output is {outputs[0]:.3f}. With w_in = 1.5 it is {outputs[1]:.3f}"
    assert ANSWERS["1"].startswith(expected)
    assert f"the cost over all sequences is {cost:.2f}:" in ANSWERS["1"]


def test_exercise_2(post: Post) -> None:
    from_the_end = SEQUENCE[::-1]
    difference = sum(from_the_end[::2]) - sum(from_the_end[1::2])
    assert predict(post, 1, -1) == difference
    assert f"w_rec = −1, the output for the same sequence is {difference}." in TEACHING


def test_exercise_3(post: Post) -> None:
    factors = []
    for n_steps in (10, 100):
        dataset = {"kind": "count_ones", "n_steps": n_steps}
        body = {"dataset": dataset, "points": [{"w_in": 1, "w_rec": 0.9}]}
        gradient = post("gradient-trace", body)["traces"][0]["gradient"]
        factors.append(gradient[0] / gradient[-1])
    expected = f"{factors[0]:.3f} for 10 steps and {factors[1] * 1e5:.2f}×10⁻⁵ for 100 steps"
    assert expected in ANSWERS["3"]


def test_exercise_4(post: Post) -> None:
    small, middle, large = (
        train(post, "gradient_descent", rate, initial_weights=GOOD_START)
        for rate in (0.001, 0.003, 0.01)
    )
    assert large["outcome"] == "diverged"
    assert f"0.01 diverges, after {large['iterations']} iterations." in ANSWERS["4"]
    # The jumps are chaotic: rounding decides each cost, but not their range.
    low, high = map(float, re.findall(r"the cost stays between (\S+) and (\S+),", ANSWERS["4"])[0])
    costs = middle["trajectory"]["cost"][-100:]
    assert low < min(costs) < 2 * low
    assert high / 2 < max(costs) < high
    steps = np.diff(middle["trajectory"]["w_rec"][-50:])
    assert (np.sign(steps[1:]) == -np.sign(steps[:-1])).all()  # from side to side
    assert f"0.001 reaches {small['final']['cost']:.4f}." in ANSWERS["4"]


def test_exercise_5(post: Post) -> None:
    descent, momentum = (
        train(post, name, 0.001, initial_weights=GOOD_START, n_iterations=2000, target_cost=0.001)[
            "iterations"
        ]
        for name in ("gradient_descent", "momentum")
    )
    expected = f"Gradient descent needs {descent} iterations, and momentum needs {momentum}."
    assert ANSWERS["5"] == expected


def test_exercise_6(post: Post) -> None:
    run = train(post, "gradient_descent", 0.01, clip={"by": "norm", "threshold": 1})
    assert f"The cost is {run['final']['cost']:.3f}." in ANSWERS["6"]
    steps = np.diff([run["trajectory"]["w_in"], run["trajectory"]["w_rec"]])
    assert np.hypot(*steps).max() == pytest.approx(0.01)
    assert "moves at most a distance of 0.01" in ANSWERS["6"]
    late = np.sign(steps[1, -50:])
    assert (late > 0).any()
    assert (late < 0).any()


def test_exercise_7(post: Post) -> None:
    optimum = post("optimum", {"dataset": {"kind": "count_ones", "noise": 1}})
    w_in, w_rec = optimum["weights"].values()
    expected = f"At ({w_in:.3f}, {w_rec:.3f}), with a cost of {optimum['cost']:.3f}."
    assert expected in ANSWERS["7"]


def test_exercise_8(post: Post) -> None:
    model = {"kind": "weights", "w_in": 1e6, "w_rec": 1e6, "activation": "tanh"}
    assert post("predict", {"model": model, "inputs": [SEQUENCE]})["outputs"] == [1]
    assert "tanh lies between −1 and 1" in ANSWERS["8"]


def test_the_addresses_name_steps_and_parts_that_exist() -> None:
    explorer = ROOT / "service" / "explorer"
    titles = re.findall(
        r'^    title: "(.*)",$', (explorer / "lessons/steps.js").read_text(), re.MULTILINE
    )
    table = re.findall(r"^\| \d+ \| (.*?) \| `/#lesson=(\d)` \|", TEACHING, re.MULTILINE)
    assert table == [(title, str(number)) for number, title in enumerate(titles, 1)]
    parts = set(re.findall(r'data-hide~="(\w+)"', (explorer / "css/embed.css").read_text()))
    rows = re.findall(r"^\| (`[a-z`, ]+`) \|", TEACHING, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == parts
