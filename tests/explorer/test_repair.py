"""Repairs of tables that the service refuses, as buttons below the error."""

import httpx
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.explorer.test_fit import FitOpener, load, open_fit, shown_fit

__all__ = ["open_fit"]


def days_with_holes() -> str:
    """Return a table of 200 days, 17 of which are missing, with a time constant of 7.82 days."""
    rng = np.random.default_rng(7)
    days = np.arange("2024-01-01", "2024-07-19", dtype="datetime64[D]")
    holes = {k for first in range(15, 190, 23) for k in range(first, first + 1 + first % 4)}
    state, rain, rows = 5.0, 0.0, ["date,n,rain,flow"]
    for k, day in enumerate(days):
        lacks_rain = k in {50, 120}  # it was that of the day before
        rain = rain if lacks_rain else round(float(rng.gamma(0.4, 4.0)), 2)
        state = np.exp(-1 / 7.82) * state + 0.3 * rain
        if k not in holes:
            flow = state + 2 + 0.1 * rng.standard_normal()
            rows.append(f"{day},{k},{'' if lacks_rain else rain},{flow:.3f}")
    return "\n".join(rows)


def test_repairs_keep_the_unit_and_leave_a_trace(open_fit: FitOpener, api: httpx.Client) -> None:
    page = open_fit(expected=(422,))
    first = shown_fit(page)
    load(page, days_with_holes())
    problem = page.locator("#fit-problem")
    problem.get_by_role("button", name="Fill the gaps in 2 rows with the last value").click()
    expect(problem).to_contain_text("times the usual 1 day")
    buttons = problem.get_by_role("button")
    expect(buttons).to_have_text(["Start a new sequence after each of the 8 gaps"])
    buttons.click()
    fit_id = shown_fit(page, other_than=first)
    fit = api.get(f"/v1/fits/{fit_id}").json()
    ((low, high),) = ((each["low"], each["high"]) for each in fit["time_constant"]["intervals"])
    assert low < 7.82 < high
    assert fit["request"]["step"]["unit"] == "day"
    expect(page.get_by_role("checkbox", name="n", exact=True)).not_to_be_checked()
    for place in ("#table-name", "#repairs"):
        expect(page.locator(place)).to_contain_text("2 rows filled with the last value")
        expect(page.locator(place)).to_contain_text("a new sequence after each gap")
    page.get_by_role("button", name="Save and API").click()
    expect(page.locator("#code")).to_contain_text("gaps=sequences&fill=hold")
    page.reload()  # as from a link
    assert shown_fit(page) == fit_id
    expect(page.locator("#table-name")).to_contain_text("2 rows filled with the last value")
    for code in page.locator("#code code").all():  # the user has no file of this text
        expect(code).to_contain_text("v1/fits")
        expect(code).not_to_contain_text("v1/datasets")


def test_a_week_without_its_end_may_lose_its_times(open_fit: FitOpener) -> None:
    page = open_fit(expected=(422,))
    days = np.arange("2024-01-01", "2024-04-01", dtype="datetime64[D]")
    rows = [f"{day},{k % 5},{k % 7}" for k, day in enumerate(days) if k % 7 != 6]
    load(page, "\n".join(["date,x,y", *rows]))
    buttons = page.locator("#fit-problem").get_by_role("button")
    gaps = "Start a new sequence after each of the 12 gaps"
    expect(buttons).to_have_text([gaps, "Fit without times"])
    page.set_viewport_size({"width": 320, "height": 640})
    expect(buttons.first).to_be_in_viewport(ratio=1)


def test_a_guessed_sequence_is_named(open_fit: FitOpener) -> None:
    page = open_fit()
    first = shown_fit(page)
    rows = [f"{k % 30},{'ab'[k // 30]},{k // 7 % 2},{k % 5}" for k in range(60)]
    load(page, "\n".join(["hour,operator,x,y", *rows]))
    restarted = shown_fit(page, other_than=first)
    expect(page.locator("#guess")).to_contain_text("each value of “operator” is a recording")
    join = page.get_by_role("button", name="Fit one recording")
    expect(join).to_have_count(0)  # as the hours restart
    page.select_option("#time-column", "")
    guessed = shown_fit(page, other_than=restarted)
    join.click()
    expect(page.locator("#guess")).to_be_hidden()
    expect(page.locator("#sequence-column")).to_have_value("")
    shown_fit(page, other_than=guessed)
    page.select_option("#sequence-column", "operator")
    assert shown_fit(page) == guessed
    expect(page.locator("#guess")).to_be_hidden()  # it was chosen


@pytest.mark.slow
def test_a_spreadsheet_is_repaired_step_by_step(open_fit: FitOpener) -> None:
    rows, state = [], 1000.0
    for k in range(60):
        heat = k // 10 % 2
        state = 0.8 * state + 100 * heat + 200
        value = f"{state + 40 * ((7 * k) % 5 - 2):,.2f}"
        german = value.replace(",", "_").replace(".", ",").replace("_", ".")
        target = "NaN" if k == 30 else german
        rows.append(f"{k + 1};{1 + k // 24:02}/02/2024 {k % 24}:00;{heat};{target}")
    table = "\n".join(["Nr.;Zeit;Heizung;Leistung", ";;kW;W", *rows, ";;;"])
    page = open_fit(expected=(422,))
    room = shown_fit(page)
    load(page, table)
    problem = page.locator("#fit-problem")
    buttons = ("line of units", "empty line at the end", "Read 1.", "as day/month")
    for name in buttons:
        button = problem.get_by_role("button", name=name)
        button.click()
        expect(button).to_have_count(0)
    shown_fit(page, other_than=room)
    expect(page.locator("#headline")).to_contain_text("hours")
    box = page.get_by_role("checkbox", name="Nr.")
    expect(box).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="Heizung (kW)")).to_be_checked()
    expect(page.locator("#target-column")).to_have_value("Leistung (W)")
