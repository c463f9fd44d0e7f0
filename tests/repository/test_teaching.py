"""The numbers in docs/teaching.md: each answer is computed again."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.repository.conftest import Post

ROOT = Path(__file__).parents[2]
TEACHING = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
EXERCISES, ANSWERS = (
    dict(re.findall(r"^(\d+)\. (.*)$", section, re.MULTILINE))
    for section in TEACHING.split("\n## Exercises\n")[1].split("\n## Answers\n")
)
SEQUENCE = [int(bit) for bit in "011000010011"]
GOOD_START = {"w_in": 0.5, "w_rec": 0.5}


def train(post: Post, optimizer: str, rate: float, **fields: Any) -> dict[str, Any]:
    settings = {"name": optimizer, "learning_rate": rate}
    return post("training-runs", optimizer=settings, keep=False, **fields)


def predict(post: Post, w_in: float, w_rec: float, activation: str = "identity") -> float:
    model = {"kind": "weights", "w_in": w_in, "w_rec": w_rec, "activation": activation}
    return float(post("predict", model=model, inputs=[SEQUENCE])["outputs"][0])


def test_every_exercise_has_an_answer() -> None:
    assert list(EXERCISES) == list(ANSWERS)
    assert len(ANSWERS) == 8


def test_exercise_1(post: Post) -> None:
    (evaluation,) = post("evaluate", points=[{"w_in": 1.5, "w_rec": 0.9}])["evaluations"]
    for number in (f"{predict(post, 1, 0.9):.3f}", f"{predict(post, 1.5, 0.9):.3f}"):
        assert number in ANSWERS["1"]
    assert f"{evaluation['cost']:.2f}" in ANSWERS["1"]


def test_exercise_2(post: Post) -> None:
    from_the_end = SEQUENCE[::-1]
    difference = sum(from_the_end[::2]) - sum(from_the_end[1::2])
    assert predict(post, 1, -1) == difference
    assert f" {difference}." in EXERCISES["2"]


def test_exercise_3(post: Post) -> None:
    factors = []
    for n_steps in (10, 100):
        trace = post(
            "gradient-trace", dataset={"n_steps": n_steps}, points=[{"w_in": 1, "w_rec": 0.9}]
        )
        gradient = trace["traces"][0]["gradient"]
        factors.append(gradient[0] / gradient[-1])
    assert f"{factors[0]:.3f} for 10 steps" in ANSWERS["3"]
    assert f"{factors[1] * 1e5:.2f}×10⁻⁵ for 100 steps" in ANSWERS["3"]


def test_exercise_4(post: Post) -> None:
    small, middle, large = (
        train(post, "gradient_descent", rate, initial_weights=GOOD_START)
        for rate in (0.001, 0.003, 0.01)
    )
    assert large["outcome"] == "diverged"
    assert f"after {large['iterations']} iterations" in ANSWERS["4"]
    # The jumps are chaotic: rounding decides each cost, but not their range.
    low, high = map(float, re.findall(r"between (\S+) and (\S+),", ANSWERS["4"])[0])
    costs = middle["trajectory"]["cost"][-100:]
    assert low < min(costs) < 2 * low
    assert high / 2 < max(costs) < high
    steps = np.diff(middle["trajectory"]["w_rec"][-50:])
    assert (np.sign(steps[1:]) == -np.sign(steps[:-1])).all()  # from side to side
    assert f"{small['final']['cost']:.4f}" in ANSWERS["4"]


@pytest.mark.parametrize("name", ["gradient_descent", "momentum"])
def test_exercise_5(post: Post, name: str) -> None:
    run = train(post, name, 0.001, initial_weights=GOOD_START, n_iterations=2000, target_cost=0.001)
    assert re.search(rf"\b{run['iterations']}\b", ANSWERS["5"])


def test_exercise_6(post: Post) -> None:
    run = train(post, "gradient_descent", 0.01, clip={"by": "norm", "threshold": 1})
    assert f"{run['final']['cost']:.3f}" in ANSWERS["6"]
    steps = np.diff([run["trajectory"]["w_in"], run["trajectory"]["w_rec"]])
    assert np.hypot(*steps).max() == pytest.approx(0.01)
    late = np.sign(steps[1, -50:])
    assert (late > 0).any()
    assert (late < 0).any()


def test_exercise_7(post: Post) -> None:
    optimum = post("optimum", dataset={"kind": "count_ones", "noise": 1})
    w_in, w_rec = optimum["weights"].values()
    assert f"({w_in:.3f}, {w_rec:.3f})" in ANSWERS["7"]
    assert f"{optimum['cost']:.3f}" in ANSWERS["7"]


def test_exercise_8(post: Post) -> None:
    assert predict(post, 1e6, 1e6, "tanh") == 1


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
