"""The lesson: its steps, its links, and the numbers in its answers."""

import re
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.explorer.conftest import (
    PHONE,
    ModuleCaller,
    Opener,
    box,
    open_drawer,
    violations,
    wait_until,
)

N_STEPS = 6


@pytest.fixture
def steps(call_node: ModuleCaller) -> list[dict[str, Any]]:
    """Return the steps of the lesson."""
    result: list[dict[str, Any]] = call_node(["lessons/index"], "({ STEPS }) => STEPS")
    return result


def read(text: str) -> str:
    """Return a text as the page shows it, where the names of the weights have a subscript."""
    return text.replace("w_", "w")


def test_the_lesson_goes_forward_back_and_ends(page: Page, steps: list[dict[str, Any]]) -> None:
    assert len(steps) == N_STEPS
    lesson = page.get_by_role("region", name="Lesson")
    expect(lesson).to_be_hidden()
    start = page.get_by_role("button", name="Lesson", exact=True)
    start.click()
    for number, step in enumerate(steps, 1):
        expect(lesson.get_by_role("heading")).to_have_text(f"Step {number} of 6: {step['title']}")
        expect(lesson).to_contain_text(read(step["question"]))
        expect(page).to_have_url(re.compile(f"lesson={number}"))
        current = lesson.locator("[aria-current=step]")
        expect(current).to_have_attribute("aria-label", f"Step {number}: {step['title']}")
        expect(page.locator("#w_in")).to_have_value(str(step["state"]["w_in"]))
        expect(page.locator("tbody tr")).to_have_count(len(step["runs"]))
        answer = lesson.get_by_text(read(step["answer"]))
        expect(answer).to_be_hidden()
        lesson.get_by_role("button", name="Answer").click()
        expect(answer).to_be_visible()
        next_name = "Next" if number < N_STEPS else "Finish"
        lesson.get_by_role("button", name=next_name, exact=True).click()
    expect(lesson).to_be_hidden()
    expect(start).to_be_focused()
    page.go_back()
    expect(lesson.get_by_role("heading")).to_contain_text("Step 5 of 6")
    expect(page.locator("tbody tr")).to_have_count(2)
    lesson.get_by_role("button", name="Back", exact=True).click()
    expect(lesson.get_by_role("heading")).to_contain_text("Step 4 of 6")
    lesson.get_by_role("button", name="Close").click()
    expect(page.locator("#note")).to_be_visible()


@pytest.mark.slow
def test_a_link_to_a_step_shows_its_state_and_keeps_what_was_changed(
    open_page: Opener, steps: list[dict[str, Any]]
) -> None:
    page = open_page("#lesson=1&w_in=0.25&w_rec=0.5")
    heading = page.get_by_role("region", name="Lesson").get_by_role("heading")
    expect(heading).to_contain_text("Step 1 of 6")
    expect(page.locator("#w_in")).to_have_value("0.25")
    page.evaluate("location.hash = '#lesson=4'")
    expect(heading).to_contain_text("Step 4 of 6")
    expect(page.locator("#w_in")).to_have_value(str(steps[3]["state"]["w_in"]))
    expect(page.locator("#w_rec")).to_have_value(str(steps[3]["state"]["w_rec"]))


LAPTOP: ViewportSize = {"width": 1280, "height": 720}
TABLET: ViewportSize = {"width": 1024, "height": 768}
# Headings that are wider than their box, or partly outside a box that scrolls.
CUT = """() => [...document.querySelectorAll("h1, h2, figcaption")].filter((heading) => {
  const { left, right, top, bottom } = heading.getBoundingClientRect();
  if (!heading.checkVisibility() || heading.closest(".visually-hidden")) return false;
  let isCut = heading.scrollWidth > heading.clientWidth + 1 || left < 0 || right > innerWidth;
  for (let box = heading.parentElement; box !== document.body; box = box.parentElement) {
    if (getComputedStyle(box).overflowY === "visible") continue;
    const edge = box.getBoundingClientRect();
    isCut ||= top < edge.top - 1 || bottom > edge.bottom + 1;
  }
  return isCut;
}).map(({ textContent }) => textContent)"""


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [LAPTOP, TABLET, PHONE], ids=["laptop", "tablet", "phone"])
def test_an_open_answer_cuts_no_heading_and_no_figure(
    open_page: Opener, viewport: ViewportSize
) -> None:
    page = open_page("#lesson=1", viewport=viewport, reduced_motion="reduce")
    for number in range(1, N_STEPS + 1):
        page.evaluate(f"location.hash = '#lesson={number}'")
        expect(page.locator("#lesson h2")).to_contain_text(f"Step {number} of 6")
        assert page.evaluate(CUT) == []
        answer = page.get_by_role("button", name="Answer")
        if viewport != PHONE:
            expect(answer).to_be_in_viewport(ratio=1)
        answer.click()
        expect(page.locator("#lesson-answer")).to_be_in_viewport()
        assert page.evaluate(CUT) == []
        bounds = [figure.bounding_box() for figure in page.locator("figure.spoken-of").all()]
        assert all(each and each["height"] > 120 for each in bounds)
        if viewport == LAPTOP:
            assert all(each and each["y"] + each["height"] <= 720 for each in bounds)


def read_to(page: Page, number: int) -> None:
    """Scroll to a step of the essay, and wait until the page shows its state."""
    page.locator(f"#essay-{number}").evaluate("heading => heading.parentElement.scrollIntoView()")
    expect(page).to_have_url(re.compile(f"lesson={number}.*essay=true"))


@pytest.mark.slow
@pytest.mark.parametrize("viewport", [LAPTOP, PHONE], ids=["laptop", "phone"])
def test_scrolling_in_the_essay_sets_the_figures(
    open_page: Opener, steps: list[dict[str, Any]], viewport: ViewportSize
) -> None:
    fragment = "#w_in=0.5&run=optimizer:rprop;w_in:0.5;n_iterations:40&iteration=40"
    page = open_page(fragment, viewport=viewport, reduced_motion="reduce")
    expect(page.locator("tbody tr")).to_have_count(1)
    button = page.get_by_role("button", name="Essay", exact=True)
    button.click()
    for number in (1, 2, 3, 4, 5, 6, 2):
        step = steps[number - 1]
        read_to(page, number)
        expect(page.locator("#w_in")).to_have_value(str(step["state"]["w_in"]))
        expect(page.locator("tbody tr")).to_have_count(len(step["runs"]))
        for name in step["figure"].split():
            expect(page.locator(f"#{name}-view")).to_be_in_viewport(ratio=0.9)
        expect(page.locator(f"#essay-{number}")).to_be_in_viewport(ratio=1)
        assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert violations(page) == []
    page.reload()
    expect(page.locator("#essay-2")).to_be_in_viewport()
    expect(page.locator("#w_rec")).to_have_value("0.9")
    page.go_back()
    expect(page.locator("#essay")).to_be_hidden()
    expect(page.locator("#w_in")).to_have_value("0.5")
    expect(page.locator("#iteration")).to_have_text("40 of 40")
    if viewport == LAPTOP:
        assert page.evaluate("document.documentElement.scrollHeight") == 720
    page.go_forward()
    expect(page.locator("#essay-2")).to_be_in_viewport()
    page.get_by_role("button", name="Try it with all controls").nth(1).click()
    expect(page.locator("#lesson h2")).to_contain_text("Step 2 of 6")
    button.click()
    expect(page.locator("#essay-2")).to_be_in_viewport()
    page.get_by_role("button", name="Close the essay").click()
    expect(page.locator("#essay")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("essay|lesson"))


@pytest.mark.slow
def test_the_lesson_fits_on_a_phone(open_page: Opener) -> None:
    page = open_page("#lesson=4", viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Answer").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert box(page, ".lesson .question")["y"] < box(page, ".spoken-of")["y"]
    page.get_by_role("button", name="Next", exact=True).tap()
    expect(page.locator("#lesson h2")).to_contain_text("Step 5 of 6")
    wait_until(  # the heading is not below the player, which stays at the top
        page,
        """() => {
          const [heading, player] = ["#lesson h2", ".run"].map((selector) =>
            document.querySelector(selector).getBoundingClientRect());
          return heading.top >= player.bottom && heading.bottom < innerHeight;
        }""",
    )


def test_the_cost_at_which_runs_stop_is_a_line(open_page: Opener) -> None:
    page = open_page("#lesson=5", reduced_motion="reduce")
    expect(page.locator("#cost-chart .cost-line")).to_have_count(2)
    expect(page.locator("#cost-chart")).to_contain_text("stop at 1×10⁻⁶")


def assert_has(answer: str, *numbers: str) -> None:
    """Check that an answer has these numbers, not as a part of longer ones."""
    for number in numbers:
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d|\.\d)", answer), number


def train(api: httpx.Client, **body: Any) -> dict[str, Any]:
    result: dict[str, Any] = api.post("/v1/training-runs", json=body).json()
    return result


def test_the_numbers_of_the_counting_step(api: httpx.Client, steps: list[dict[str, Any]]) -> None:
    bits = [[int(bit) for bit in "011000010011"]]
    body = {"model": {"kind": "weights", "w_in": 1, "w_rec": 0.5}, "inputs": bits}
    (output,) = api.post("/v1/predict", json=body).json()["outputs"]
    assert_has(steps[0]["answer"], f"{output:.3f}", str(sum(bits[0])), f"{0.5**10:.3f}")


def test_the_numbers_of_the_valley_step(steps: list[dict[str, Any]]) -> None:
    # independent of the service: the tutorial's data, and a least-squares line through the origin
    random = np.random.RandomState(1)
    inputs = np.array([np.around(random.rand(10)) for _ in range(20)])
    targets = inputs.sum(axis=1)
    best_weights = []
    for w_rec in (0.9, 1.1):
        outputs = inputs @ w_rec ** np.arange(9, -1, -1)
        best = outputs @ targets / (outputs @ outputs)
        cost, cost_at_1 = (np.mean((w_in * outputs - targets) ** 2) for w_in in (best, 1))
        assert_has(steps[1]["answer"], f"{best:.3f}", f"{cost:.2f}", f"{cost_at_1:.1f}")
        best_weights.append(best)
    assert steps[1]["state"]["w_in"] == round(best_weights[0], 3)


def test_the_numbers_of_the_gradient_step(api: httpx.Client, steps: list[dict[str, Any]]) -> None:
    factors = []
    for w_rec in (0.5, 2, -2):
        body = {"dataset": {"n_steps": 12}, "points": [{"w_in": 1, "w_rec": w_rec}]}
        gradient = api.post("/v1/gradient-trace", json=body).json()["traces"][0]["gradient"]
        factors.append(gradient[0] / gradient[-1])
    assert_has(steps[2]["answer"], f"{factors[0]:.6f}", f"{factors[1]:.0f}")
    assert "over all twelve steps" in steps[2]["question"]
    assert factors[2] == pytest.approx(factors[1])


def test_the_numbers_of_gradient_descent(api: httpx.Client, steps: list[dict[str, Any]]) -> None:
    text = steps[3]["answer"]
    descent = {"name": "gradient_descent", "learning_rate": 0.01}
    run = train(api, optimizer={**descent, "learning_rate": 0.001}, n_iterations=1)
    slope = run["initial"]["weight_gradient"]["w_rec"]
    assert_has(text, f"{slope / 1e6:.2f}×10⁶", f"{2 - run['final']['weights']['w_rec']:,.0f}")
    slow = train(api, optimizer={**descent, "learning_rate": 1e-7})
    clipped = train(api, optimizer=descent, clip={"by": "norm", "threshold": 1})
    assert_has(text, f"{slow['final']['cost']:.0f}", f"{clipped['final']['cost']:.3f}")
    assert_has(steps[3]["text"], str(steps[3]["runs"][0]["parameters"]["learning_rate"]))
    whole = train(api, optimizer={**descent, "learning_rate": 0.001})
    assert (whole["outcome"], whole["iterations"]) == ("diverged", 3)
    optimum = api.post("/v1/evaluate", json={"points": [{"w_in": 1, "w_rec": 1}]}).json()
    largest = optimum["evaluations"][0]["curvature"]["largest"]
    assert_has(text, f"{largest:.0f}", f"{2 / largest:.4f}")


def test_the_numbers_of_remembering(api: httpx.Client, steps: list[dict[str, Any]]) -> None:
    text = steps[5]["answer"]
    task = {"dataset": {"kind": "remember"}, "initial_weights": {"w_in": 1, "w_rec": 0.5}}
    (run,) = steps[5]["runs"]
    descent = {"name": "gradient_descent", **run["parameters"]}
    slow = train(api, **task, optimizer=descent, n_iterations=run["n_iterations"])
    gradient = np.hypot(*slow["initial"]["weight_gradient"].values())
    assert_has(text, f"{gradient / 1e-7:.1f}×10⁻⁷", f"{run['n_iterations']:,}")
    moved = np.hypot(slow["final"]["weights"]["w_in"] - 1, slow["final"]["weights"]["w_rec"] - 0.5)
    assert_has(text, f"{moved / 1e-6:.0f}×10⁻⁶", f"{slow['final']['cost']:.3f}")
    rprop = train(api, **task, optimizer={"name": "rprop"}, target_cost=1e-12)
    assert_has(text, str(rprop["iterations"]))


def test_the_numbers_of_the_rprop_step(api: httpx.Client, steps: list[dict[str, Any]]) -> None:
    for name in ("rprop", "levenberg_marquardt"):
        run = train(api, optimizer={"name": name}, n_iterations=600, target_cost=1e-6)
        assert_has(steps[4]["answer"], str(run["iterations"]))


STEP = {
    "step_title": "Your turn",
    "step_text": "Both runs start at the same point.\nLook closely.",
    "step_question": "Why does w_rec fall?",
    "step_hint": "the state",
    "step_answer": "It is too large. <b>50 %</b>",
    "step_figure": "states",
}


def open_copied_steps(author: Page, open_page: Opener) -> Page:
    """Copy the link to the steps, and return the page that it opens."""
    author.context.grant_permissions(["clipboard-read", "clipboard-write"])
    author.locator("#copy-step").click()
    expect(author.get_by_role("button", name="Copied")).to_be_visible()
    link = author.evaluate("navigator.clipboard.readText()")
    return open_page("#" + link.partition("#")[2])


def test_a_link_has_a_step_with_the_state_it_was_made_in(open_page: Opener) -> None:
    first = open_page("#w_in=0.5&run=optimizer:rprop;w_in:0.5;n_iterations:40&iteration=7")
    expect(first.locator("#iteration")).to_have_text("7 of 40")
    open_drawer(first, "embed")
    expect(first.locator("#save-buttons button")).to_have_count(3)  # its code is loaded
    for key, text in STEP.items():
        if key == "step_figure":
            first.select_option(f"#{key}", text)
        else:
            first.fill(f"#{key}", text)
    expect(first.get_by_role("region", name="Lesson")).to_contain_text("Why does wrec fall?")
    expect(first).to_have_url(re.compile("step_figure=states"))
    second = open_copied_steps(first, open_page)
    lesson = second.get_by_role("region", name="Lesson")
    expect(lesson.get_by_role("heading")).to_have_text("Your turn")
    assert "same point.\nLook closely." in lesson.inner_text()
    expect(lesson.get_by_text("the state", exact=True)).to_be_visible()  # as it was written
    expect(lesson.get_by_text("It is too large.")).to_be_hidden()
    lesson.get_by_role("button", name="Answer").click()
    expect(lesson.get_by_text("It is too large. <b>50 %</b>")).to_be_visible()
    expect(second.locator("#states")).to_be_visible()
    expect(second.locator("#network")).to_be_hidden()
    expect(second.locator("#iteration")).to_have_text("7 of 40")
    expect(second.locator("#w_in")).to_have_value("0.5")
    assert violations(second) == []
    lesson.get_by_role("button", name="Close").click()
    expect(lesson).to_be_hidden()
    expect(second.locator("#network")).to_be_visible()
    expect(second).not_to_have_url(re.compile("step_"))


def test_a_link_has_several_steps_in_their_order(open_page: Opener) -> None:
    author = open_page("#w_in=0.5&run=optimizer:rprop;w_in:0.5;n_iterations:40&iteration=40")
    open_drawer(author, "embed")
    expect(author.locator("#save-buttons button")).to_have_count(3)
    for number, title in enumerate(("Zähler", "Łódź & = %"), 1):
        author.fill("#step_title", title)
        author.fill("#step_question", f"Frage {number}?")
        author.locator("#add-step").click()
        expect(author.locator("#n_lesson_steps")).to_contain_text(f"{number} step")
        author.keyboard.press("Escape")
        author.fill("#w_in", "0.75")
        expect(author.locator("#cost")).not_to_have_text("…")
        open_drawer(author, "embed")
    page = open_copied_steps(author, open_page)
    lesson = page.get_by_role("region", name="Lesson")
    heading = lesson.get_by_role("heading")
    expect(heading).to_have_text("1/2 Zähler")
    expect(page.locator("#w_in")).to_have_value("0.5")
    expect(page.locator(".chip")).to_have_count(1)
    expect(lesson.get_by_role("button", name="Back")).to_be_disabled()
    lesson.get_by_role("button", name="Next").click()
    expect(heading).to_have_text("2/2 Łódź & = %")
    expect(lesson).to_contain_text("Frage 2?")
    expect(page.locator("#w_in")).to_have_value("0.75")
    expect(page.locator(".chip")).to_have_count(1)
    lesson.get_by_role("button", name="Back").click()
    expect(heading).to_have_text("1/2 Zähler")
    expect(page.locator("#w_in")).to_have_value("0.5")
    lesson.get_by_role("button", name="Next").click()
    lesson.get_by_role("button", name="Finish").click()
    expect(lesson).to_be_hidden()
    expect(page).not_to_have_url(re.compile("step="))


def test_keys_play_while_train_has_the_focus(open_page: Opener) -> None:
    page = open_page("?present")
    for shown in ("#w_in", "#w_rec", "#add", "#basins"):
        expect(page.locator(shown)).to_be_visible()
    # A playback for which no time passes does not end by itself.
    page.evaluate(
        """() => { const request = window.requestAnimationFrame;
        window.requestAnimationFrame = (run) => request(() => run(0)); }"""
    )
    train = page.get_by_role("button", name="Train", exact=True)
    train.click()
    expect(page.locator("#play")).to_have_attribute("title", "Pause")
    for key, title, iteration in ((" ", "Play", 0), (".", "Play", 1), (" ", "Pause", 1)):
        page.keyboard.press(key)
        expect(page.locator("#play")).to_have_attribute("title", title)
        expect(page.locator("#iteration")).to_have_text(f"{iteration} of 500")
        expect(train).to_be_focused()
