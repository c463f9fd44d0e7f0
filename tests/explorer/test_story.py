"""The readouts follow the runs, and training starts at the point."""

import json
import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.explorer.conftest import Opener, box, open_drawer, wait_until

TUTORIAL_COST = 1.8008530879e-6
DESKTOP = {"width": 1440, "height": 900}


def train(page: Page, button: str = "Train") -> None:
    """Press a button and wait for the run that it starts."""
    with page.expect_response("**/trajectory"):
        page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#race")).not_to_have_attribute("aria-busy", "true")


@pytest.fixture
def still(open_page: Opener) -> Page:
    """Return the page with reduced motion, where runs are shown at their end."""
    page = open_page(viewport=DESKTOP, reduced_motion="reduce")
    page.wait_for_selector("#cost[data-value]:not([data-value=''])")
    return page


def test_after_training_the_network_counts(still: Page) -> None:
    expect(still.locator("main button.primary:visible")).to_have_count(1)
    train(still)
    expect(still.locator("#iteration")).to_have_text("500 of 500")
    expect(still.locator("#headline")).to_have_text("011000010011 → 4.999 · 5 ones ✓ right")
    expect(still.locator("#note")).to_contain_text(
        "It learned to count. The cost fell from 6.16×10⁵ to 1.80×10⁻⁶"
    )
    expect(still.locator("#point-title")).to_have_text("at iteration 500")
    cost = "document.querySelector('#cost').dataset.value"
    wait_until(still, f"() => Math.abs({cost} / {TUTORIAL_COST} - 1) < 1e-6")
    expect(still.locator("#shown_w_in")).to_have_text("1.001")
    expect(still.locator("#w_in")).to_have_value("-1.5")
    still.get_by_role("button", name="Rewind").click()
    expect(still.locator("#cost")).to_have_text("6.16×10⁵")
    expect(still.locator("#regime")).to_have_text("▲ exploding: above 1.1 over all steps")
    still.get_by_role("button", name="Step", exact=True).click()
    expect(still.locator("#point-title")).to_have_text("at iteration 1")
    expect(still.locator("#shown_w_in")).to_have_attribute("data-value", "-1.4995")
    expect(still.locator("tbody [data-title=current] .weights")).to_have_text("(−1.5, 2)")
    expect(still.locator("tbody [data-title=final] .weights")).to_have_text("(1.001, 0.9997)")


@pytest.mark.slow
def test_the_switch_selects_what_is_shown(still: Page) -> None:
    train(still)
    still.select_option("#optimizer", "gradient_descent")
    still.get_by_label("Learning rate").fill("0.0000001")
    train(still, "Add to race")
    expect(still.locator(".chip").nth(1)).to_have_attribute("aria-pressed", "true")
    second = still.locator("tbody tr").nth(1)
    expect(second).to_have_class("shown")
    expect(second).to_contain_text("2. Gradient descent 1.0×10⁻⁷")
    expect(second.locator("small").first).to_have_text("from (−1.5, 2)")
    cost = second.locator("[data-title=current] .cost").inner_text()
    expect(still.locator("#cost")).to_have_text(cost)
    open_drawer(still, "runs")
    still.get_by_role("button", name="Show Rprop").click()
    expect(still.locator("#shown_w_in")).to_have_text("1.001")
    still.get_by_role("button", name="Show Rprop").click()
    expect(still.locator("#point-title")).to_have_text("at the start")
    expect(still.locator("#cost")).to_have_text("6.16×10⁵")
    expect(still).to_have_url(re.compile("show=0"))


@pytest.mark.slow
def test_training_starts_where_the_point_is(still: Page) -> None:
    train(still)
    open_drawer(still, "runs")
    still.get_by_role("button", name="Use these weights of Rprop").click()
    expect(still.locator("#w_in")).to_have_value(re.compile(r"^1\.00135"))
    expect(still.locator("#point-title")).to_have_text("at the start")
    still.fill("#w_in", "0.5")
    still.fill("#w_rec", "0.75")
    expect(still).to_have_url(re.compile("show=0"))
    expect(still.locator("#shown_w_rec")).to_have_text("0.75")
    still.select_option("#optimizer", "adam")
    with still.expect_request("**/v1/training-runs") as sent:
        train(still)
    body = json.loads(sent.value.post_data or "")
    assert body["initial_weights"] == {"w_in": 0.5, "w_rec": 0.75}
    assert body["optimizer"]["name"] == "adam"
    expect(still.locator("tbody tr")).to_have_count(1)
    expect(still.locator("tbody th")).to_contain_text("Adam")
    still.get_by_role("button", name="Clear", exact=True).click()
    expect(still.locator("tbody tr")).to_have_count(0)
    expect(still.locator(".chip")).to_have_count(0)
    expect(still.get_by_role("button", name="Play", exact=True)).to_be_disabled()


@pytest.mark.slow
def test_the_arrow_is_the_direction_of_gradient_descent(open_page: Opener) -> None:
    page = open_page("#w_in=0.5&w_rec=0.5&optimizer=gradient_descent&n_iterations=1")
    train(page)
    expect(page.locator("#iteration")).to_have_text("1 of 1")
    open_drawer(page, "runs")
    page.get_by_role("button", name="Show Gradient descent").click()
    expect(page.locator("#point-title")).to_have_text("at the start")
    wait_until(
        page,
        """() => {
          const start = document.querySelector(".trajectory .start");
          const end = document.querySelector(".trajectory .current");
          const at = (e) => [Number(e.getAttribute("cx")), Number(e.getAttribute("cy"))];
          const [[x, y], [to_x, to_y]] = [at(start), at(end)];
          const d = document.querySelector(".descent").getAttribute("d");
          const arrow = d.match(/M(\\S+) (\\S+)L(\\S+) (\\S+)M/);
          if (!arrow) return false;
          const [, u, v, tip_u, tip_v] = arrow.map(Number);
          const angles = [Math.atan2(to_y - y, to_x - x), Math.atan2(tip_v - v, tip_u - u)];
          return Math.abs(angles[0] - angles[1]) < 0.02;
        }""",
    )


@pytest.mark.slow
def test_the_charts_show_the_run_and_their_cursor_moves_the_iteration(still: Page) -> None:
    expect(still.locator("#cost-chart")).to_contain_text("No runs yet")
    expect(still.locator("#fit-chart .sample")).to_have_count(20)
    train(still)
    offsets = """() => {
      const [x1, x2, y1, y2] = ["x1", "x2", "y1", "y2"].map((name) =>
        Number(document.querySelector("#fit-chart line.target").getAttribute(name)));
      return Math.max(...[...document.querySelectorAll("#fit-chart .sample")].map((dot) => {
        const [x, y] = [Number(dot.getAttribute("cx")), Number(dot.getAttribute("cy"))];
        return Math.abs(y - (y1 + (y2 - y1) * (x - x1) / (x2 - x1)));
      }));
    }"""
    wait_until(still, f"() => ({offsets})() < 1")
    expect(still.locator("#cost-chart .cost-line")).to_have_count(1)
    still.locator("#cost-chart .seek").scroll_into_view_if_needed()
    plot = box(still, "#cost-chart .seek")
    still.mouse.move(plot["x"] + plot["width"] * 0.9, plot["y"] + 50)
    still.mouse.down()
    still.mouse.move(plot["x"] + plot["width"] / 2, plot["y"] + 60, steps=4)
    expect(still.locator("#iteration")).to_have_text(re.compile("^(249|250|251) of 500"))
    still.mouse.up()
    title = still.locator("#point-title")
    expect(title).to_have_text(re.compile("^at iteration (249|250|251)$"))
    labels = still.locator("#cost-chart text").all_text_contents()
    assert {"1", "10⁻⁶"} <= {*labels}


@pytest.mark.parametrize("activation", ["identity", pytest.param("tanh", marks=pytest.mark.slow)])
def test_the_network_is_unrolled_in_time(open_page: Opener, activation: str) -> None:
    fragment = f"#activation={activation}&w_in=1&w_rec=2&bits=01101&unrolled=true"
    page = open_page(fragment, viewport=DESKTOP)
    backward = page.locator("#unrolled .backward:not([display])[d]")
    expect(backward).to_have_count(5)
    expect(page.locator("#unrolled .cell")).to_have_count(6)
    expect(page.locator("#unrolled .bit.one")).to_have_count(3)
    expect(page.locator("#states")).to_be_hidden()
    if activation == "identity":
        # The states are 0, 0, 1, 3, 6, 13; the first two arrows carry a state of zero.
        expect(page.locator("#unrolled .state-value").last).to_have_text("13")
        expect(page.locator("#unrolled .gradient-value").first).to_have_text("640")
        expect(page.locator("#unrolled .forward:not([display])[d]")).to_have_count(3)
    page.get_by_role("button", name="Unroll").click()
    expect(page.locator("#unrolled")).to_be_hidden()
    expect(page.locator("#states")).to_be_visible()


@pytest.mark.slow
def test_the_trace_has_a_logarithmic_axis_and_shows_signs(page: Page) -> None:
    page.fill("#w_rec", "-2")
    expect(page.locator("#trace .dot.negative")).to_have_count(7)  # of 13 states
    heights = page.evaluate(
        """() => document.querySelector("#trace .trace").getAttribute("d").match(/[^ML]+/g)
        .map((pair) => Number(pair.split(" ")[1]))"""
    )
    steps = [b - a for a, b in pairwise(heights)]
    assert len(steps) == 12
    # A constant factor is a straight line. Time runs to the right.
    assert steps == pytest.approx([steps[0]] * 12, abs=0.2)
    assert steps[0] > 0
    first, last = (
        page.locator("#trace text", has_text=re.compile(f"^{k}$")).last.evaluate(
            "label => label.getBoundingClientRect().x"
        )
        for k in (0, 10)
    )
    assert first < last
    page.fill("#w_in", "1.001")
    page.fill("#w_rec", "0.9997")
    expect(page.locator("#regime")).to_have_text("= steady: 0.9 to 1.1 over all steps")
    expect(page.locator("#growth")).to_have_text("×0.9997 per step, ×0.9964 in 12")
    page.fill("#w_rec", "-2")
    expect(page.locator("#growth")).to_have_text("×(−2) per step, ×4096 in 12")
    page.fill("#bits", "01101")
    expect(page.locator("#growth")).to_have_text("×(−2) per step, ×(−32) in 5")
    page.fill("#w_rec", "1")
    page.fill("#w_in", "1")
    expect(page.locator("#regime")).to_have_text("0 zero: no gradient reaches the weights")
    expect(page.locator("#trace")).to_contain_text("The gradient is zero everywhere.")
    expect(page.locator(".descent")).to_have_count(0)  # rounding noise has no direction


def test_a_diverging_run_gets_its_sentence(open_page: Opener) -> None:
    fragment = "#optimizer=momentum&optimizer.learning_rate=0.003"
    still = open_page(fragment, reduced_motion="reduce")
    train(still)
    note = still.locator("#note")
    expect(note).to_contain_text(re.compile(r"overflowed at iteration \d+, and training stopped"))
    last = re.findall(r"\d+", still.locator("#iteration").inner_text())
    assert last[0] == last[1]
    assert f"at iteration {last[1]}, and" in note.inner_text()
    title = f"at iteration {int(last[1]) - 1} ({last[1]} overflows)"
    expect(still.locator("#point-title")).to_have_text(title)


@pytest.mark.slow
def test_a_paused_run_is_announced(open_page: Opener) -> None:
    page = open_page()
    announcement = page.locator("#announcement")
    expect(announcement).to_have_text(
        "Cost 6.16 times 10 to the power 5, gradient exploding: above 1.1 over all steps, "
        "2 per step, 4096 in 12."
    )
    train(page)
    expect(page.locator("#iteration")).to_have_text(re.compile("^[1-9]"))
    page.get_by_role("button", name="Pause", exact=True).click()
    wait_until(
        page,
        """() => {
          const [cost, heard] = ["#cost", "#announcement"].map((selector) =>
            document.querySelector(selector).textContent);
          return heard.startsWith(`Cost ${cost.split("×")[0]}`);
        }""",
    )
