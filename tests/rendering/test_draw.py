"""Drawing requests: metadata, data of both kinds, limits."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from service.figures.style import Style
from service.rendering.approximation import Approximation
from service.rendering.draw import draw
from service.rendering.requests import (
    PictureData,
)
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.datasets import CountOnesDataset

SMALL = Style(320, 240)


def test_the_http_request_is_metadata(surface: Callable[..., Any]) -> None:
    image = Image.open(io.BytesIO(draw(surface(seed=3))))
    assert image.info == {"Request": '{"seed":3}'}


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


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_an_approximation_is_described(surface: Callable[..., Any], suffix: str) -> None:
    picture = replace(surface(suffix=suffix), approximation=Approximation(3, n_samples=7))
    contents = draw(picture)
    metadata = b"cost at every 3rd pixel, interpolated; 7 of 20 sequences"
    assert metadata in contents
    assert b"Approximation" not in draw(surface(suffix=suffix))
    if suffix == "svg":
        assert b"<!-- 7 of 20 sequences -->" in contents
