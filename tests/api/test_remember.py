"""The dataset of kind remember at the doors that take a dataset."""

from typing import Any

import numpy as np
import pytest

from service.engine.data import remember

REMEMBER = {"kind": "remember"}


def test_its_defaults(api: Any) -> None:
    body = {"dataset": REMEMBER, "n_iterations": 0, "keep": False}
    run = api.post("/v1/training-runs", body).json()
    expected = {"kind": "remember", "n_samples": 20, "n_steps": 30, "seed": 1}
    assert run["request"]["dataset"] == expected
    outputs = api.post("/v1/evaluate", {"dataset": REMEMBER, "points": [{}]}).json()
    np.testing.assert_array_equal(outputs["evaluations"][0]["outputs"], remember()[1])


@pytest.mark.parametrize("suffix", ["", ".csv", ".png"])
def test_get_spells_it_flat(api: Any, suffix: str) -> None:
    body = {"dataset": {**REMEMBER, "seed": 3}, "points": [{"w_in": 1, "w_rec": 0.9}]}
    spelled = f"/v1/gradient-trace{suffix}?kind=remember&seed=3&point=1,0.9"
    response = api.get(spelled)
    assert response.content == api.post(f"/v1/gradient-trace{suffix}", body).content
    assert response.content != api.get(spelled.replace("remember", "count_ones")).content


def test_a_surface_of_it(api: Any) -> None:
    # At n_steps = 2 the cost is m (w_in w_rec - 1)².
    (window,) = api.get(
        "/v1/cost-surface?kind=remember&n_steps=2&w_in=-1,1&w_rec=0,2&resolution=5"
    ).json()["windows"]
    products = np.outer(window["w_rec"], window["w_in"])
    m = np.mean(remember(n_steps=2)[1] ** 2)
    np.testing.assert_allclose(window["cost"], m * (products - 1.0) ** 2, rtol=1e-9, atol=1e-30)
    assert api.get("/v1/cost-surface.svg?kind=remember").status_code == 200


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("kind=remember&noise=0.5", "noise", "Unknown field"),
        ("kind=remember&dataset=ds_1", "dataset", "kind cannot be combined"),
        ("kind=stored", "kind", "'count_ones' or 'remember'"),
        ("kind=remember&n_steps=0", "n_steps", "greater than or equal to 1"),
    ],
)
def test_invalid_queries_name_the_parameter(
    api: Any, query: str, parameter: str, detail: str
) -> None:
    api.refused(api.get(f"/v1/gradient-trace?{query}"), parameter, detail)
