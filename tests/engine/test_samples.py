"""Samples are read when they are needed, and no sooner."""

import pickle
from typing import Any

import numpy as np
import pytest

from service.engine.honest import Centre
from service.engine.moments import Moments
from service.engine.network import Network
from service.engine.objective import make_objective
from service.engine.optimizers import OPTIMIZERS
from service.engine.optimum import optimum
from service.engine.samples import Samples, Size
from service.engine.sequences import count_ones
from service.engine.training import train
from service.engine.types import Weights

NOISY = count_ones(200, 12, noise=0.5)


class Shelf:
    """Samples elsewhere, and how often they were fetched."""

    def __init__(self, data: Any, *, known: bool) -> None:
        self.n_reads = 0
        self.data = data
        inputs, targets = data
        moments, best = (
            (Moments.of(inputs, targets), optimum(inputs, targets)) if known else (None,) * 2
        )
        self.samples = Samples(len(inputs), inputs.shape[1], self.read, moments, best)
        if best is not None:
            about = Centre(Samples.of(inputs, targets), 0.0, best.weights).sums
            self.samples.sums_about[0.0, best.weights] = about

    def read(self) -> Any:
        self.n_reads += 1
        return self.data


def trained(samples: Samples, initial_state: float = 0.0) -> Any:
    objective = make_objective(samples, Network(initial_state=initial_state))
    run = train(objective, Weights(-1.5, 2.0), OPTIMIZERS["rprop"]())
    return run, objective.optimum, objective.gap(*run.weights[-1])


def test_with_moments_and_optimum_known_training_reads_nothing() -> None:
    shelf = Shelf(NOISY, known=True)
    run, best, gap = trained(shelf.samples)
    assert shelf.n_reads == 0
    expected, expected_best, expected_gap = trained(Samples.of(*NOISY))
    np.testing.assert_array_equal(run.weights, expected.weights)
    np.testing.assert_array_equal(run.cost, expected.cost)
    assert (best, gap) == (expected_best, expected_gap)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("initial_state", [0.0, 0.5])
def test_what_is_needed_is_read_once(known: bool, initial_state: float) -> None:
    exact = count_ones()  # its costs near the fit are all cancellation
    shelf = Shelf(exact, known=known)
    run, best, gap = trained(shelf.samples, initial_state)
    assert shelf.n_reads == 1
    expected, expected_best, expected_gap = trained(Samples.of(*exact), initial_state)
    np.testing.assert_array_equal(run.weights, expected.weights)
    np.testing.assert_array_equal(run.cost, expected.cost)
    assert (best, gap) == (expected_best, expected_gap)


def test_what_was_found_about_other_weights_is_not_kept() -> None:
    """There may be as many as a basin map has cells."""
    samples = Samples.of(*count_ones())
    run, best, _ = trained(samples)
    make_objective(samples, Network()).costs(*run.weights.T)
    assert samples.sums_about.keys() <= {(0.0, best.weights)}


def test_an_activation_reads_them() -> None:
    shelf = Shelf(NOISY, known=True)
    make_objective(shelf.samples, Network("tanh")).cost(1.0, 0.5)
    assert shelf.n_reads == 1


def test_their_size_is_known_without_reading() -> None:
    shelf = Shelf(NOISY, known=False)
    assert shelf.samples.size == Size(200, 12, known=False)
    assert shelf.n_reads == 0
    assert shelf.samples.moments.n_samples == 200
    assert shelf.samples.size == Size(200, 12, known=True)


def test_they_travel_with_their_numbers_and_what_is_known() -> None:
    shelf = Shelf(NOISY, known=True)
    arrived: Samples = pickle.loads(pickle.dumps(shelf.samples))  # noqa: S301 - our own
    assert shelf.n_reads == 1
    assert arrived.size == shelf.samples.size
    np.testing.assert_array_equal(arrived.inputs, NOISY[0])
    np.testing.assert_array_equal(arrived.targets, NOISY[1])
    assert arrived.optimum(0.0) == shelf.samples.optimum(0.0)
