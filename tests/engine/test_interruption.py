"""Records of blocks, with which an interrupted computation resumes."""

from functools import partial

import numpy as np

from service.engine.interruption import BlockResult, Record, recall, recorded_by


def test_blocks_in_blocks_are_computed_once() -> None:
    calls = list[str]()

    def inner(x: float) -> BlockResult:
        calls.append("inner")
        return (np.array(x),)

    def outer(x: float) -> BlockResult:
        calls.append("outer")
        (value,) = recall(partial(inner, x))
        return (value + 1.0,)

    def compute() -> list[float]:
        return [float(recall(partial(block, 2.0))[0]) for block in (outer, inner, outer)]

    results = dict[int, BlockResult]()
    for _ in range(2):  # the second computation resumes after the first
        with recorded_by(Record(results, lambda: None)):
            assert compute() == [3.0, 2.0, 3.0]
    assert calls == ["outer", "inner", "inner", "outer", "inner"]
