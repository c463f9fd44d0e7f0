"""Axis ticks and views."""

import pytest

from tests.explorer.conftest import ModuleCaller


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (-3, 3, ["−3", "−2", "−1", "0", "1", "2", "3"]),
        (-0.5, 0.6, ["−0.4", "−0.2", "0.0", "0.2", "0.4", "0.6"]),
        (99.9, 100.1, ["99.90", "99.95", "100.00", "100.05", "100.10"]),
    ],
)
def test_ticks_are_round(
    call_modules: ModuleCaller, low: float, high: float, labels: list[str]
) -> None:
    ticks = call_modules(["lib/scales"], f"({{ makeTicks }}) => makeTicks({low}, {high}, 6)")
    assert [tick["label"] for tick in ticks] == labels


def test_ticks_between_neighbors_are_few(call_modules: ModuleCaller) -> None:
    """At 2^60, two numbers differ by 256 or more, so adding a step may change nothing."""
    ticks = call_modules(["lib/scales"], "({ makeTicks }) => makeTicks(2 ** 60, 2 ** 60 + 256, 6)")
    assert 1 <= len(ticks) <= 8


def test_zooming_stops_at_the_limits(call_modules: ModuleCaller) -> None:
    views = call_modules(
        ["lib/scales"],
        """({ zoomView }) => [10, 0.1].map((factor) => {
          let view = [-3, 3, -3, 3];
          for (let k = 0; k < 20; k++) view = zoomView(view, factor, { w_in: 0, w_rec: 0 });
          return view[1] - view[0];
        })""",
    )
    assert 1e-3 <= views[0] < 1e-2
    assert 20 < views[1] <= 200
