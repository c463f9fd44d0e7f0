"""Cost surfaces and their summary."""

import numpy as np
import pytest

from service.engine.data import Dataset, count_ones
from service.engine.network import ACTIVATIONS, Network, curvatures, forward_states
from service.engine.objective import cost_surface, make_objective
from service.engine.types import Weights


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initial_state", [0.0, -0.7])
def test_rows_are_w_rec_and_columns_w_in(activation: str, initial_state: float) -> None:
    inputs, targets = count_ones(7, 5, seed=3)
    network = Network(activation, initial_state)
    w_in, w_rec = np.linspace(-1.0, 2.0, 4), np.linspace(-2.0, 1.0, 3)
    surface = cost_surface(
        make_objective(Dataset.from_arrays(inputs, targets), network), w_in, w_rec
    )
    assert surface.cost.shape == (3, 4)
    for i, row in enumerate(w_rec):
        for j, column in enumerate(w_in):
            outputs = forward_states(inputs, column, row, network)[:, -1]
            expected = np.mean((outputs - targets) ** 2)
            assert surface.cost[i, j] == pytest.approx(expected, rel=1e-12)
    i, j = map(int, np.unravel_index(surface.cost.argmin(), surface.cost.shape))
    assert surface.minimum == Weights(w_in[j], w_rec[i])
    assert surface.minimum_cost == surface.cost.min()
    np.testing.assert_array_equal(surface.w_in, w_in)
    np.testing.assert_array_equal(surface.w_rec, w_rec)


def test_overflow_is_counted() -> None:
    inputs, targets = count_ones(20, 600)
    axis = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    surface = cost_surface(
        make_objective(Dataset.from_arrays(inputs, targets), Network()), axis, axis
    )
    beyond = np.isinf(surface.cost)
    # The cost overflows where |w_rec| is 3, except for w_in = 0.
    assert beyond.tolist() == [[r and c for c in (1, 1, 0, 1, 1)] for r in (1, 0, 0, 0, 1)]
    assert surface.n_overflowed == 8
    assert surface.minimum == Weights(1.0, 1.0)
    assert surface.minimum_cost == 0.0


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
@pytest.mark.parametrize("n_steps", [1, 10, 200])
def test_no_weights(activation: str, initial_state: float, n_steps: int) -> None:
    data = Dataset.from_arrays(*count_ones(3, n_steps))
    objective = make_objective(data, Network(activation, initial_state))
    none = np.empty(0)
    assert objective.costs(none, none).shape == (0,)
    assert objective.log10_costs(none, none).shape == (0,)
    assert objective.gradients(none, none).shape == (2, 0)
    assert [x.mantissa.shape for x in objective.extended_gradients(none, none)] == [(0,), (0,)]
    assert objective.normal_equations(none, none).steps.shape == (2, 0)
    assert curvatures(*count_ones(3, n_steps), none, none, Network(activation)).shape == (0, 2)
