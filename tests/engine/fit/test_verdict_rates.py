"""Rates of correct verdicts on simulated series: few of the problems of benchmarks/verdict.py.

The limits are those of docs/fitting.md, with room for the small number of problems; the seeds are
fixed.
"""

from collections.abc import Callable, Iterable
from statistics import median

import pytest

from benchmarks.verdict import Judgment, judge
from benchmarks.verdict_cases import EFFECTS, RIGHT, WRONG, Case

pytestmark = pytest.mark.slow


def judge_all(cases: Iterable[Case], n_problems: int) -> list[Judgment]:
    judgments = [judge(case, number) for case in cases for number in range(n_problems)]
    assert judgments
    return judgments


def share(values: Iterable[bool]) -> float:
    listed = list(values)
    assert len(listed) >= 20
    return sum(listed) / len(listed)


def in_group(group: str, cases: Iterable[Case], text: str = "") -> list[Case]:
    return [case for case in cases if case.group == group and text in case.name]


@pytest.mark.parametrize(("text", "n_problems"), [("T = 15", 25), ("T = 30", 10), ("T = 100", 10)])
def test_right_models_are_seldom_refused_and_intervals_cover(text: str, n_problems: int) -> None:
    judgments = judge_all(in_group("right", RIGHT, text), n_problems)
    assert share(judgment.is_refused for judgment in judgments) <= 0.06
    assert share(judgment.covers for judgment in judgments) >= 0.91
    assert share(bool(judgment.cautious_covers) for judgment in judgments) >= 0.9


def test_the_cautious_interval_is_hardly_wider_where_noise_is_white() -> None:
    judgments = judge_all(in_group("right", RIGHT, "T = 100, w"), 10)
    ratios = [judgment.widening for judgment in judgments if judgment.widening is not None]
    assert 0.99 <= median(ratios) <= 1.04


@pytest.mark.parametrize("text", ["panel", "days", "half observed"])
def test_panels_and_gaps_are_seldom_refused(text: str) -> None:
    judgments = judge_all(in_group("right", RIGHT, text), 12)
    assert share(judgment.is_refused for judgment in judgments) <= 0.09
    assert share(judgment.covers for judgment in judgments) >= 0.86


def test_noise_that_drifts_does_not_refuse_a_right_model() -> None:
    judgments = judge_all(in_group("drift", RIGHT), 8)
    assert share("noise_model_matters" in judgment.reasons for judgment in judgments) <= 0.03
    assert share(judgment.is_refused for judgment in judgments) <= 0.06
    assert share(judgment.covers for judgment in judgments) >= 0.87


@pytest.mark.parametrize(("group", "most"), [("no effect", 0.08), ("two random walks", 0.12)])
def test_inputs_without_effect_are_seldom_called_visible(group: str, most: float) -> None:
    judgments = judge_all(in_group(group, EFFECTS), 10)
    assert share("no_visible_effect" not in judgment.reasons for judgment in judgments) <= most


@pytest.mark.parametrize(("text", "least"), [("R² 0.3, T = 30", 0.55), ("R² 0.3, T = 100", 0.95)])
def test_effects_are_seen(text: str, least: float) -> None:
    judgments = judge_all(in_group("power", EFFECTS, text), 20)
    assert share("no_visible_effect" not in judgment.reasons for judgment in judgments) >= least


@pytest.mark.parametrize(
    ("text", "slugs", "n_problems"),
    [
        ("dead time", {"delay_advised"}, 10),
        ("T = 100, ", {"delay_advised", "neighbors"}, 10),
        ("days) every", {"neighbors"}, 10),
        ("season", {"season", "season_advised", "follow_inputs", "neighbors"}, 10),
        ("two time", {"follow_inputs"}, 15),
        ("w -0.8", {"range_advised"}, 10),
        ("w 1.1", {"range_advised"}, 10),
        ("oscillation", {"oscillates", "follow_inputs"}, 10),
        ("panel", {"neighbors", "levels_advised"}, 10),
    ],
)
def test_wrong_models_are_found(text: str, slugs: set[str], n_problems: int) -> None:
    judgments = judge_all(in_group("wrong", WRONG, text), n_problems)
    assert share(bool(slugs & set(judgment.reasons)) for judgment in judgments) >= 0.93


@pytest.mark.parametrize(
    ("text", "least"),
    [("dead time", 0.87), ("w -0.8", 0.85), ("w 1.", 0.85), ("days) every", 0.87)],
)
def test_the_advice_leads_to_an_interval_with_the_truth(text: str, least: float) -> None:
    judgments = judge_all(in_group("wrong", WRONG, text), 10)
    assert share(bool(j.advised_covers) for j in judgments if j.advised_covers is not None) >= least


def covered(judgment: Judgment) -> bool:
    return judgment.covers


def cautious_covered(judgment: Judgment) -> bool:
    return bool(judgment.cautious_covers)


@pytest.mark.parametrize(
    ("covers", "least", "most"), [(covered, 0.2, 0.9), (cautious_covered, 0.88, 1.0)]
)
def test_the_cautious_interval_holds_where_white_intervals_do_not(
    covers: Callable[[Judgment], bool], least: float, most: float
) -> None:
    cases = [case for case in in_group("wrong", WRONG, "AR") if "dead" not in case.name]
    white = [case for case in cases if "white" in case.name]
    assert least <= share(map(covers, judge_all(white, 8))) <= most
