"""Drawing requests: metadata, data of both kinds, limits."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from service.engine.data import Dataset, count_ones
from service.figures.style import Style
from service.rendering.approximation import Approximation
from service.rendering.draw import draw
from service.rendering.requests import (
    BasinMapPictureRequest,
    PictureData,
    TrajectoryPictureRequest,
)
from service.schemas.common import NetworkSchema
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset

SMALL = Style(320, 240)


def test_the_http_request_is_metadata(surface: Callable[..., Any]) -> None:
    image = Image.open(io.BytesIO(draw(surface(seed=3))))
    assert image.info == {"Request": '{"seed":3}'}


def test_count_ones_data_equal_given_data(surface: Callable[..., Any]) -> None:
    given = PictureData(Dataset.from_arrays(*count_ones(20, 10, 5, 0.0)))
    assert draw(surface(seed=5, data=given)) == draw(surface(seed=5))


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_the_profile_is_drawn_for_the_identity_only(
    surface: Callable[..., Any], activation: str
) -> None:
    def picture(**marks: Any) -> bytes:
        network = {"activation": activation}
        fields = CostSurfaceRequest.model_validate({"network": network, **marks})
        data = PictureData(CountOnesDataset(n_samples=2, n_steps=3).resolve().dataset)
        return draw(surface(surface=fields, data=data))

    changed = picture(marks=["valley"]) != picture()
    assert changed == (activation == "identity")


def test_a_trajectory_is_drawn() -> None:
    columns = {
        "iteration": np.arange(3.0),
        "w_in": np.array([-1.5, 0.0, 1.0]),
        "w_rec": np.array([2.0, 1.5, 1.0]),
        "log10_cost": np.array([4.0, 2.0, -np.inf]),
    }
    request = TrajectoryPictureRequest(
        optimizer="Rprop",
        network=NetworkSchema(),
        target_cost=0.01,
        outcome="target_reached",
        columns=columns,
        optimum=None,
        data=PictureData(CountOnesDataset().resolve().dataset),
        style=SMALL,
        suffix="svg",
        http_request="{}",
    )
    text = draw(request).decode()
    for words in ("Rprop: target reached", "after 2 iterations: w_in 1, w_rec 1, cost 0"):
        assert f"<!-- {words}" in text


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_an_approximation_is_described(surface: Callable[..., Any], suffix: str) -> None:
    picture = replace(surface(suffix=suffix), approximation=Approximation(3, n_samples=7))
    contents = draw(picture)
    metadata = b"cost at every 3rd pixel, interpolated; 7 of 20 sequences"
    assert metadata in contents
    assert b"Approximation" not in draw(surface(suffix=suffix))
    if suffix == "svg":
        assert b"<!-- 7 of 20 sequences -->" in contents


def test_a_basin_map_is_drawn() -> None:
    axis = np.linspace(-1, 1, 3)
    arrays = {
        "w_in": axis,
        "w_rec": axis,
        "iterations": np.full((3, 3), 7),
        "outcome": np.array([[0, 1, 1], [2, 1, 1], [1, 1, 1]]),
    }
    request = BasinMapPictureRequest(
        optimizer="Adam",
        optimum=None,
        arrays=arrays,
        style=SMALL,
        suffix="svg",
        http_request="{}",
    )
    text = draw(request).decode()
    for words in ("iterations exhausted 11.1 %", "diverged 11.1 %", "target reached 77.8 %"):
        assert f"<!-- {words} -->" in text
