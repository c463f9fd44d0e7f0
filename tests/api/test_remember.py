"""The dataset of kind remember at the doors that take a dataset."""

from typing import Any

import numpy as np

from service.engine.data import remember


def test_a_surface_of_it(api: Any) -> None:
    # At n_steps = 2 the cost is m (w_in w_rec - 1)².
    (window,) = api.get(
        "/v1/cost-surface?kind=remember&n_steps=2&w_in=-1,1&w_rec=0,2&resolution=5"
    ).json()["windows"]
    products = np.outer(window["w_rec"], window["w_in"])
    m = np.mean(remember(n_steps=2)[1] ** 2)
    np.testing.assert_allclose(window["cost"], m * (products - 1.0) ** 2, rtol=1e-9, atol=1e-30)
    assert api.get("/v1/cost-surface.svg?kind=remember").status_code == 200
