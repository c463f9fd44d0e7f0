"""docs/teaching.md: every number and every reason in the answers is computed again."""

import io
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.engine.data import count_ones, remember
from service.engine.network import Network, backpropagate, forward_states, output_gradient
from service.engine.types import Array
from tests.repository.conftest import Post

ROOT = Path(__file__).parents[2]
TEACHING, MATHEMATICS = (
    (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("teaching.md", "mathematics.md")
)
EXERCISES, ANSWERS = (
    dict(re.findall(r"^(\d+)\. (.*)$", section, re.MULTILINE))
    for section in TEACHING.split("\n## Exercises\n")[1].split("\n## Answers\n")
)
NUMBER = re.compile(r"10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+|[−-]?\d[\d,]*(?:\.\d+)?(?:×10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")
SUPERSCRIPTS = str.maketrans("⁻0123456789-", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SEQUENCE = [int(bit) for bit in "011000010011"]
GOOD_START = {"w_in": 0.5, "w_rec": 0.5}
VANISHING = {"w_in": 1.0, "w_rec": 0.5}
OPTIMUM = {"w_in": 1.0, "w_rec": 1.0}


def assert_states(exercise: int, *computed: str) -> None:
    """Check that an answer has the computed numbers, and no others but those of its exercise."""
    stated, asked = (
        {number.strip(",") for number in NUMBER.findall(texts[str(exercise)])}
        for texts in (ANSWERS, EXERCISES)
    )
    assert stated | asked == set(computed) | asked


def power_of_ten(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}×10" + str(int(exponent)).translate(SUPERSCRIPTS)


def assert_in_mathematics(*numbers: str) -> None:
    """Check that docs/mathematics.md has these numbers, written in TeX."""
    for number in numbers:
        mantissa, _, exponent = number.partition("e")
        tex = rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
        assert re.search(rf"(?<![\d.]){re.escape(tex)}(?!\d|\.\d)", MATHEMATICS), number


def train(post: Post, optimizer: str, rate: float, **fields: Any) -> dict[str, Any]:
    settings = {"name": optimizer, "learning_rate": rate}
    return post("training-runs", optimizer=settings, keep=False, **fields)


def path(run: dict[str, Any]) -> Array:
    """Return w_in and w_rec of each iteration, (2, m); nan where they overflowed."""
    trajectory = run["trajectory"]
    return np.array([trajectory["w_in"], trajectory["w_rec"]], np.float64)


def predict(post: Post, w_in: float, w_rec: float, activation: str = "identity") -> float:
    model = {"kind": "weights", "w_in": w_in, "w_rec": w_rec, "activation": activation}
    return float(post("predict", model=model, inputs=[SEQUENCE])["outputs"][0])


def evaluate(post: Post, point: dict[str, float], **fields: Any) -> dict[str, Any]:
    (evaluation,) = post("evaluate", points=[point], **fields)["evaluations"]
    result: dict[str, Any] = evaluation
    return result


def test_every_exercise_has_an_answer() -> None:
    assert list(EXERCISES) == list(ANSWERS)
    assert len(ANSWERS) == 11


def test_exercise_1(post: Post) -> None:
    point = {"w_in": 1.5, "w_rec": 0.9}
    evaluation = evaluate(post, point)
    assert_states(
        1,
        f"{predict(post, 1, 0.9):.3f}",
        "1.5",
        f"{predict(post, 1.5, 0.9):.3f}",
        f"{evaluation['cost']:.2f}",
    )
    inputs, targets = count_ones()
    errors = np.array(evaluation["outputs"]) - targets
    mean_position = inputs @ np.arange(10) / targets
    assert np.corrcoef(errors, mean_position)[0, 1] > 0.9
    assert errors.min() < 0.0 < errors.max()


def test_exercise_2(post: Post) -> None:
    from_the_end = SEQUENCE[::-1]
    difference = sum(from_the_end[::2]) - sum(from_the_end[1::2])
    assert predict(post, 1, -1) == difference
    assert f" {difference}." in EXERCISES["2"]
    assert_states(2)


def test_exercise_3(post: Post) -> None:
    factors = []
    for n_steps in (10, 100):
        trace = post(
            "gradient-trace", dataset={"n_steps": n_steps}, points=[{"w_in": 1, "w_rec": 0.9}]
        )
        gradient = trace["traces"][0]["gradient"]
        np.testing.assert_allclose(np.divide(gradient[:-1], gradient[1:]), 0.9, rtol=1e-9)
        factors.append(gradient[0] / gradient[-1])
    assert_states(3, f"{factors[0]:.3f}", power_of_ten(factors[1], 2))


def test_exercise_4(post: Post) -> None:
    small, middle, large = (
        train(post, "gradient_descent", rate, initial_weights=GOOD_START)
        for rate in (0.001, 0.003, 0.01)
    )
    assert large["outcome"] == "diverged"
    # The jumps are chaotic: rounding decides each cost, but not their range.
    low, high = re.findall(r"between (\S+) and (\S+):", ANSWERS["4"])[0]
    n_last = 100
    costs = middle["trajectory"]["cost"][-n_last:]
    assert float(low) < min(costs) < 2 * float(low)
    assert float(high) / 2 < max(costs) < float(high)
    steps = np.diff(path(middle)[1, -50:])
    assert (np.sign(steps[1:]) == -np.sign(steps[:-1])).all()  # from side to side
    curvature = evaluate(post, OPTIMUM)["curvature"]
    limit = 2 / curvature["largest"]
    for rate, settles in ((0.99 * limit, True), (1.01 * limit, False)):
        near = {"w_in": 1 + 1e-4, "w_rec": 1 + 1e-4}
        run = train(post, "gradient_descent", rate, initial_weights=near, n_iterations=5000)
        assert (run["final"]["cost"] < 1e-15) == settles
    costs = train(post, "gradient_descent", 0.001, initial_weights=GOOD_START, n_iterations=2000)[
        "trajectory"
    ]["cost"]
    reduction = 1 - (costs[2000] / costs[1000]) ** 0.001
    assert reduction == pytest.approx(1 - (1 - 0.001 * curvature["smallest"]) ** 2, rel=0.02)
    start = evaluate(post, {"w_in": -1.5, "w_rec": 2})["curvature"]["largest"]
    assert_in_mathematics(
        f"{curvature['largest']:.0f}", f"{curvature['smallest']:.3f}", f"{limit:.4f}",
        f"{curvature['largest'] / curvature['smallest']:.0f}", f"{start:.1e}",
    )  # fmt: skip
    assert_states(
        4,
        f"{n_last}",
        f"{large['iterations']}",
        "2",
        f"{curvature['largest']:.0f}",
        f"{limit:.4f}",
        low,
        high,
        f"{small['final']['cost']:.4f}",
        f"{curvature['largest'] / curvature['smallest']:.0f}",
        f"{100 * reduction:.1f}",
    )


def test_exercise_5(post: Post) -> None:
    options = {"initial_weights": GOOD_START, "n_iterations": 2000, "target_cost": 0.001}
    runs = [train(post, name, 0.001, **options) for name in ("gradient_descent", "momentum")]
    assert_states(5, *(str(run["iterations"]) for run in runs))


def test_exercise_6(post: Post) -> None:
    run = train(post, "gradient_descent", 0.01, clip={"by": "norm", "threshold": 1})
    steps = np.diff(path(run))
    longest = np.hypot(*steps).max()
    assert longest == pytest.approx(0.01)
    assert 2 / evaluate(post, OPTIMUM)["curvature"]["largest"] < 0.01
    late = np.sign(steps[1, -50:])
    assert (late > 0).any()
    assert (late < 0).any()
    assert_states(6, f"{run['final']['cost']:.3f}", f"{longest:.2f}", "0", "4")


def test_exercise_7(post: Post) -> None:
    dataset = {"kind": "count_ones", "noise": 1}
    optimum = post("optimum", dataset=dataset)
    w_in, w_rec = optimum["weights"].values()
    at_truth, best = evaluate(post, OPTIMUM, dataset=dataset)["cost"], optimum["cost"]
    noise = count_ones(noise=1.0)[1] - count_ones()[1]
    assert at_truth == pytest.approx(np.mean(noise**2), rel=1e-12)  # so it is luck
    fitted = (at_truth - best) / (1 - best)
    assert_states(
        7, "0", "1", f"{w_in:.3f}", f"{w_rec:.3f}", f"{best:.3f}", f"{at_truth:.3f}",
        f"{100 * fitted:.1f}",
    )  # fmt: skip


def test_exercise_8(post: Post) -> None:
    assert predict(post, 1e6, 1e6, "tanh") == 1
    assert predict(post, -1e6, 1e6, "tanh") == -1
    assert_states(8, "−1", "1")


def test_exercise_9(post: Post) -> None:
    run = train(post, "gradient_descent", 0.001, initial_weights=VANISHING)
    (trace,) = post("gradient-trace", points=[VANISHING])["traces"]
    assert trace["regime"] == "vanishing"
    inputs, targets = count_ones()
    states = forward_states(inputs, 1.0, 0.5, Network())
    output = output_gradient(states[:, -1], targets)
    back = backpropagate(inputs, states, output, 1.0, 0.5, Network()).state_gradients[:, 1:]
    shares = []
    for factor in (inputs, states[:, :-1]):
        by_step = (back * factor).sum(axis=0)
        shares.append(f"{100 * by_step[-5:].sum() / by_step.sum():.0f}")
    assert shares[0] == shares[1]
    assert_in_mathematics(f"{shares[0]} %")
    costs = run["trajectory"]["cost"]
    assert_states(9, f"{costs[0]:.1f}", f"{costs[-1]:.4f}", shares[0], "5")


@pytest.mark.slow
def test_exercise_10(post: Post, address: str) -> None:
    def shares(outcome: str, **fields: Any) -> list[str]:
        """Return the percentages of an outcome below 0.9, from 0.9 to 1.1, and above 1.1."""
        basins = post("basin-maps", **fields)
        file = httpx.get(f"http://{address}{basins['links']['npz']}", timeout=60.0)
        with np.load(io.BytesIO(file.content)) as arrays:
            w_rec, is_one = np.abs(arrays["w_rec"]), arrays["outcome"] == outcome
        rows = [w_rec < 0.9, (w_rec >= 0.9) & (w_rec <= 1.1), w_rec > 1.1]
        return [f"{100 * is_one[row].mean():.1f}" for row in rows]

    descent = {"name": "gradient_descent", "learning_rate": 0.001}
    below, _, above = shares("diverged", optimizer=descent)
    assert below == "0.0"
    arrived = shares("target_reached")
    assert_in_mathematics(*(f"{share} %" for share in (*arrived, above)))
    assert_states(10, *arrived, "0.9", "1.1", above)


def test_exercise_11(post: Post) -> None:
    dataset = {"kind": "remember"}
    still, lost = (
        train(post, "gradient_descent", 0.01, dataset=dataset, initial_weights=start,
              n_iterations=2000)
        for start in (VANISHING, {"w_in": 1.0, "w_rec": 0.9})
    )  # fmt: skip
    steps = post(
        "training-runs", dataset=dataset, initial_weights=VANISHING, target_cost=1e-12, keep=False
    )["iterations"]
    length = np.hypot(*still["initial"]["weight_gradient"].values())
    moved = np.hypot(*(path(still)[:, -1] - path(still)[:, 0]))
    costs = {f"{cost:.3f}" for cost in still["trajectory"]["cost"]}
    assert_in_mathematics(
        f"{length:.1e}", f"{moved:.0e}", f"{still['final']['cost']:.4f}", str(steps)
    )
    assert lost["outcome"] == "diverged"
    points = path(lost)
    third = points[:, 3] - points[:, 2]
    # Past the valley w_in w_rec^29 = 1: from one side to where w_rec is negative.
    assert points[1, 2] > 1.0
    assert points[1, 3] < -1.0
    next_gradient = evaluate(post, {"w_in": points[0, 3], "w_rec": points[1, 3]}, dataset=dataset)[
        "weight_gradient"
    ]
    assert_states(
        11,
        power_of_ten(length, 1),
        power_of_ten(moved, 0),
        *costs,
        "10⁻¹²",
        str(steps),
        f"{abs(third[1]):.1f}",
        f"{round(np.hypot(*next_gradient.values()), -3):,.0f}",
        str(lost["iterations"]),
    )
    inputs, targets = remember()
    assert not inputs[:, 1:].any()
    np.testing.assert_array_equal(inputs[:, 0], targets)


def test_the_addresses_name_steps_and_parts_that_exist() -> None:
    explorer = ROOT / "service" / "explorer"
    lesson = (explorer / "lessons" / "index.js").read_text()
    titles = re.findall(r'^    title: "(.*)",$', lesson, re.MULTILINE)
    table = re.findall(r"^\| \d+ \| (.*?) \| `/#lesson=(\d)` \|", TEACHING, re.MULTILINE)
    assert table == [(title, str(number)) for number, title in enumerate(titles, 1)]
    parts = set(re.findall(r'data-part="(\w+)"', (explorer / "index.html").read_text()))
    rows = re.findall(r"^\| (`[a-z`, ]+`) \|", TEACHING, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == parts
