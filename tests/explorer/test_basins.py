"""The basin map over the surface: where training succeeds."""

import io
import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.explorer.conftest import (
    ModuleCaller,
    Opener,
    box,
    on_screens,
    violations,
    wait_for_value,
)

DESCENT = "#optimizer=gradient_descent&optimizer.learning_rate=0.001"
COVERED = """(cells) => {
  const { width, height } = document.querySelector("#basin-map");
  const context = document.querySelector("#basin-map").getContext("2d");
  const { data } = context.getImageData(0, 0, width, height);
  return cells.map(([row, column]) => {
    const x = Math.round((column / 99) * (width - 1));
    const y = Math.round((1 - row / 99) * (height - 1));
    return data[4 * (y * width + x) + 3] > 0;
  });
}"""


def map_arrays(api: httpx.Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the newest basin map of the service and its arrays."""
    newest = api.get("/v1/basin-maps?limit=1").json()["items"][0]
    archive = api.get(newest["links"]["npz"]).content
    return newest, dict(np.load(io.BytesIO(archive)))


@on_screens
def test_the_surface_is_covered_where_training_fails(
    open_page: Opener, api: httpx.Client, viewport: dict[str, int]
) -> None:
    page = open_page(DESCENT, viewport=viewport)
    for stored in api.get("/v1/basin-maps").json()["items"]:  # so that its map is the newest
        api.delete(stored["links"]["self"]).raise_for_status()
    page.get_by_label("Where training succeeds").check()
    legend = page.locator("#basin-legend")
    expect(legend.locator("strong")).to_be_visible()
    newest, arrays = map_arrays(api)
    assert newest["request"]["optimizer"] == {"name": "gradient_descent", "learning_rate": 0.001}
    shares = {name: f"{100 * share:.4g} %" for name, share in newest["shares"].items()}
    for text in ("Gradient descent", "0.01", "500", *shares.values()):
        expect(legend).to_contain_text(text)
    # Their indices, in the order of the alphabet.
    outcome = np.unique(arrays["outcome"], return_inverse=True)[1].reshape(arrays["outcome"].shape)
    # Only cells whose neighbors have the same outcome: a pixel may lie beside its cell.
    windows = np.lib.stride_tricks.sliding_window_view(outcome, (3, 3))
    rows, columns = np.nonzero(windows.max((2, 3)) == windows.min((2, 3)))
    cells = np.stack([rows + 1, columns + 1], axis=1)
    inner = outcome[rows + 1, columns + 1]
    assert np.bincount(inner).min() > 15
    covered = [True] * len(inner)  # by iterations, or by hatching where training fails
    wait_for_value(page, lambda: page.evaluate(COVERED, cells.tolist()), covered)
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    expect(page.locator("#surface").get_by_text("iterations")).to_be_visible()  # not costs
    expect(page.locator("#surface").get_by_text("cost", exact=True)).to_have_count(0)
    panel, below = box(page, ".surface .panel"), box(page, "#basin-legend")
    assert below["y"] >= panel["y"] + panel["height"]
    assert violations(page) == []
    page.get_by_role("button", name="Zoom in").click()  # not below the controls


@pytest.mark.slow
def test_a_map_of_other_settings_is_removed(open_page: Opener, api: httpx.Client) -> None:
    page = open_page(f"{DESCENT}&basins=true")
    legend, control = page.locator("#basin-legend"), page.get_by_label("Where training succeeds")
    expect(legend).to_contain_text("Gradient descent reaches")
    update = page.get_by_role("button", name="Compute for this view")
    expect(update).to_be_hidden()
    page.get_by_role("button", name="Zoom in").click()
    update.click()
    expect(update).to_be_hidden()
    expect(legend).to_contain_text("Gradient descent reaches")
    high = map_arrays(api)[0]["request"]["window"]["w_in"]["high"]
    assert high < 3
    page.select_option("#optimizer", "irprop_minus")
    expect(legend).to_be_empty()
    expect(page.locator("#basin-map")).to_be_hidden()
    expect(control).not_to_be_checked()
    expect(page).not_to_have_url(re.compile("basins"))
    control.check()
    expect(legend).to_contain_text("iRprop⁻ reaches")
    assert map_arrays(api)[0]["request"]["optimizer"]["name"] == "irprop_minus"
    page.get_by_label("Where training succeeds").uncheck()
    expect(legend).to_be_empty()


@pytest.mark.slow
def test_a_long_map_is_cancelled(open_page: Opener, api: httpx.Client) -> None:
    page = open_page("#activation=tanh&n_samples=300&n_steps=20&seed=77&n_iterations=5000")
    page.get_by_label("Where training succeeds").check()
    job = page.locator("#jobs li")
    expect(job).to_contain_text(re.compile(r"Rprop from every point.*[1-9][\d,]* of 5,000"))
    page.get_by_role("button", name="Cancel Rprop from every point").click()
    expect(job).to_have_count(0)
    expect(page.locator("#basin-problem")).to_contain_text("The basin map was cancelled")
    expect(page.get_by_label("Where training succeeds")).not_to_be_checked()
    assert api.get("/v1/basin-maps?limit=1").json()["items"][0]["status"] == "cancelled"


@pytest.mark.parametrize(
    ("activation", "n_inputs", "resolution"),
    [("identity", 200_000, 100), ("tanh", 40, 100), ("tanh", 200, 44), ("tanh", 20_000, 20)],
)
def test_a_map_with_an_activation_is_coarser_for_large_data(
    call_modules: ModuleCaller, activation: str, n_inputs: int, resolution: int
) -> None:
    body = call_modules(
        ["model/basins", "model/state"],
        """({ toBasinMap, DEFAULTS }, [activation, n]) =>
          toBasinMap({ ...DEFAULTS, activation, clip: "norm" }, n, 0.5)""",
        [activation, n_inputs],
    )
    assert body["window"]["resolution"] == resolution
    assert body["clip"] == {"by": "norm", "threshold": 1}
    assert (body["n_iterations"], body["target_cost"]) == (500, 0.5)
