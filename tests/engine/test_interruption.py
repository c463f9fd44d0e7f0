"""Stages, with whose results an interrupted computation is repeated."""

from collections import deque

import pytest

from service.engine.interruption import Stages, recorded_by, stage


@stage
def double(x: float) -> float:
    return 2.0 * x


@stage
def quadruple(x: float) -> float:
    return double(double(x))


def test_the_stages_that_ended_are_not_repeated() -> None:
    finished: list[float] = []
    with recorded_by(Stages(deque([2.5, 4.0]), finished.append)):
        assert [double(1.0), double(2.0), double(4.0), double(8.0)] == [2.5, 4.0, 8.0, 16.0]
    assert finished == [8.0, 16.0]
    assert double(1.0) == 2.0


def test_a_stage_has_no_stages() -> None:
    """Its result would be used again by others, and be missing when the stage is repeated."""
    assert quadruple(1.0) == 4.0
    with recorded_by(Stages(deque(), lambda _: None)), pytest.raises(RuntimeError, match="within"):
        quadruple(1.0)
