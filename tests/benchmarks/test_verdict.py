"""The simulations of verdicts on fits."""

import sys

import numpy as np
import pytest

from benchmarks import verdict
from benchmarks.verdict_cases import ALL, autoregression, respond


def test_the_script_prints_a_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    group = "useless second input"
    monkeypatch.setattr(sys, "argv", ["verdict", "--problems", "1", group])
    verdict.main()
    header, rule, *rows = capsys.readouterr().out.strip().splitlines()
    assert header.startswith(f"| {group} | n |")
    names = [case.name for case in ALL if case.group == group]
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in names]
    assert {line.count("|") for line in (header, rule, *rows)} == {header.count("|")}


def test_every_case_has_a_name_of_its_own_and_draws_the_same_again() -> None:
    assert len({(case.group, case.name) for case in ALL}) == len(ALL)
    for case in ALL:
        one, other = (case.draw(np.random.default_rng(3)) for _ in range(2))
        np.testing.assert_array_equal(one.targets, other.targets)
        assert np.isfinite(one.inputs).all()


def test_noise_is_stationary_and_correlated_as_told() -> None:
    draws = np.random.default_rng(4)
    noise = np.array([autoregression(draws, 6, 0.6) for _ in range(20_000)])
    expected = 0.6 ** np.abs(np.subtract.outer(range(6), range(6)))
    np.testing.assert_allclose(noise.T @ noise / len(noise), expected, atol=0.03)


def test_states_follow_the_recurrence() -> None:
    np.testing.assert_allclose(respond(0.5, np.array([1.0, 0.0, 2.0]), 4.0), [3.0, 1.5, 2.75])
