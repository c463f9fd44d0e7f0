"""The global minimum against polynomial roots, dense search and many digits."""

from service.engine.optimum import optimum
from service.engine.sequences import count_ones


def test_the_counter_is_found_exactly() -> None:
    found = optimum(*count_ones())
    assert found.weights == (1.0, 1.0)
    assert found.cost == 0.0
    assert found.attained
    assert found.unique
