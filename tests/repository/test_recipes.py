"""docs/recipes: the code prints what the pages show, and other methods find the same numbers."""

import base64
import csv
import gc
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from copy import deepcopy
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from PIL import Image
from scipy.optimize import curve_fit, minimize_scalar
from scipy.signal import lfilter
from scipy.stats import t

from linear_rnn import Client
from scripts.notebook import NOTEBOOK, run_cells
from scripts.recipes import BLOCKS, RECIPES, pages, run_block, run_command
from service.engine.types import Array
from tests.repository.conftest import assert_equal_text

DATA = RECIPES / "data"
PICTURES = "docs/recipes/images"
PAGES = [page for page in sorted(RECIPES.glob("*.md")) if page.name != "README.md"]


def mark_page(page: Path) -> Any:
    """Return a page as a parameter, with the marker slow if it takes long."""
    marks = [pytest.mark.slow] if page.stem in {"clearance", "dryer", "groups", "languages"} else []
    return pytest.param(page, id=page.stem, marks=marks)


def is_installed(language: str) -> bool:
    """Return True if the language of a block, and the package that its code uses, are installed."""
    if language == "r":
        command = ["Rscript", "-e", "library(httr2)"]
        return shutil.which("Rscript") is not None and not subprocess.call(command)
    return language != "js" or shutil.which("node") is not None or "CI" in os.environ


@pytest.mark.parametrize("page", [mark_page(page) for page in pages()])
def test_the_code_prints_what_the_page_shows(
    page: Path, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAR_RNN_URL", f"http://{address}")
    names: dict[str, Any] = {}
    for language, code, _, shown in BLOCKS.findall(page.read_text()):
        if not is_installed(language):
            pytest.skip(f"{language} is not installed")
        moved = code.replace(PICTURES, str(tmp_path))
        printed = run_block(language, moved, names).replace(str(tmp_path), PICTURES)
        assert_equal_text(printed, shown)
    for picture in tmp_path.rglob("*.png"):
        with Image.open(picture) as drawn, Image.open(RECIPES / "images" / picture.name) as kept:
            assert drawn.size == kept.size


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_a_picture_a_known_number_and_a_warning(page: Path) -> None:
    text = page.read_text()
    assert re.search(r"!\[[^\]]+\]\(images/", text) or page.stem == "estimator"
    assert "**Published.**" in text or "**True values.**" in text
    assert "**Pitfall.**" in text
    assert f"({page.name})" in (RECIPES / "README.md").read_text()


def test_every_table_is_small() -> None:
    for file in DATA.glob("*.csv"):
        assert file.stat().st_size < 60_000


def read(file: str, *names: str) -> list[Array]:
    """Return columns of a table, nan where they are empty."""
    with (DATA / file).open() as lines:
        rows = list(csv.DictReader(lines))
    return [np.array([float(row[name] or "nan") for row in rows]) for name in names]


def fit(options: str) -> dict[str, Any]:
    """Return the fit of a command as JSON."""
    result: dict[str, Any] = orjson.loads(
        run_command(f"linear-rnn fit docs/recipes/data/{options}")
    )
    return result


def least_squares(columns: Callable[[float], Array], targets: Array) -> tuple[float, Array]:
    """Return the w_rec in (0, 1) and the coefficients of its columns with the lowest error."""
    known = ~np.isnan(targets)

    def solve(w_rec: float) -> tuple[Array, float]:
        table = columns(w_rec)[known]
        coefficients: Any = np.linalg.lstsq(table, targets[known])[0]
        return coefficients, float(np.sum((targets[known] - table @ coefficients) ** 2))

    found = minimize_scalar(
        lambda w_rec: solve(w_rec)[1], bounds=(0, 1), method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x), solve(found.x)[0]


def filter_inputs(w_rec: float, *inputs: Array) -> Array:
    """Return the response to every input, that to the initial state, and a constant."""
    n = len(inputs[0])
    responses = [lfilter([1.0], [1.0, -w_rec], each) for each in inputs]
    return np.column_stack([*responses, w_rec ** np.arange(1, n + 1), np.ones(n)])


def test_a_decay_is_that_of_curve_fit() -> None:
    time, voltage = read("capacitor.csv", "second", "voltage")

    def decay(at: Array, a: float, tau: float, level: float) -> Array:
        return np.asarray(a * np.exp(-at / tau) + level)

    found, covariance = curve_fit(decay, time, voltage, p0=(9.0, 0.5, 0.0))
    result = fit("capacitor.csv --target voltage --inputs= --time second --json")
    assert result["time_constant"]["value"] == pytest.approx(found[1], rel=1e-5)
    (piece,) = result["time_constant"]["intervals"]
    half_width = t.ppf(0.975, len(time) - 3) * np.sqrt(covariance[1, 1])
    assert [piece["low"], piece["high"]] == pytest.approx(
        [found[1] - half_width, found[1] + half_width], rel=1e-4
    )
    assert result["offset"]["value"] == pytest.approx(found[2], rel=1e-4)
    slope, _ = np.polyfit(time, np.log(voltage), 1)
    assert -1.0 / slope == pytest.approx(0.486, abs=5e-4)


def test_the_dam_lowers_the_flow_by_the_difference_of_the_means() -> None:
    flow, dam = read("nile.csv", "flow", "dam")
    # Cobb (1978) has both means to two digits.
    assert np.round([flow[dam == 0].mean(), flow[dam == 1].mean()], 2).tolist() == [1097.75, 849.97]
    result = fit("nile.csv --target flow --inputs dam --time year --json")
    assert result["w_rec"]["value"] == 0
    gain = result["inputs"][0]["steady_state_gain"]
    # With w_rec = 0, no initial state is fitted, which would take the first target for itself.
    assert gain["value"] == pytest.approx(flow[dam == 1].mean() - flow[dam == 0].mean())
    assert gain["low"] < 849.97 - 1097.75 < gain["high"]


def test_groundwater_responds_as_in_pastas() -> None:
    rain, evaporation, head = read("groundwater.csv", "rain", "evaporation", "head")
    line = "groundwater.csv --target head --inputs rain,evaporation --time date --json"
    result = fit(line)
    w_rec, weights = least_squares(lambda w: filter_inputs(w, rain, evaporation), head)
    assert result["w_rec"]["value"] == pytest.approx(w_rec, abs=1e-7)
    assert result["inputs"][0]["w_in"]["value"] == pytest.approx(weights[0], rel=1e-3)
    # Pastas 2.0.0: Model(head["2003":"2006"]) with RechargeModel(rain, evaporation, Exponential()),
    # both in meters, solve(tmin="2003-01-01", tmax="2006-12-31"): recharge_A 552.79, recharge_a
    # 203.97 with a standard error of 14.5, constant_d 28.541, R² 0.95626.
    for noise in (result, fit(f"{line} --noise ar1")):
        assert abs(noise["time_constant"]["value"] - 203.97) < 14.5
    gain = result["inputs"][0]["steady_state_gain"]
    assert gain["low"] < 0.55279 < gain["high"]
    evaporation = result["inputs"][1]["steady_state_gain"]
    assert evaporation["low"] < -2.0 * 0.55279 < evaporation["high"]  # recharge_f is -2.0
    assert result["offset"]["low"] < 28.541 < result["offset"]["high"]
    assert result["r_squared"] == pytest.approx(0.95626, abs=1e-3)


@pytest.mark.slow
def test_a_dryer_responds_as_in_an_arx_model() -> None:
    heater, outlet = read("dryer.csv", "heater", "outlet")
    u = heater - heater.mean()
    y = outlet - outlet.mean()
    columns = np.column_stack([y[3:-1], y[2:-2], u[1:-3], u[:-4]])
    first, second, *weights = np.linalg.lstsq(columns, y[4:])[0]
    lags = -0.08 / np.log(np.roots([1.0, -first, -second]))
    assert np.sort(lags) == pytest.approx([0.125, 0.274], abs=1e-3)
    options = "--target outlet --inputs heater --time second --delay 0:8 --json"
    single = fit(f"dryer.csv {options}")
    both = fit(f"dryer.csv {options} --time-constants 2 --noise ar1 --variance free")
    assert both["delay"]["value"] == 3
    long_run = both["inputs"][0]["steady_state_gain"]
    assert long_run["low"] < sum(weights) / (1.0 - first - second) < long_run["high"]
    larger, smaller = (state["time_constant"]["value"] for state in both["states"])
    assert larger + smaller == pytest.approx(lags.sum(), rel=0.06)

    def tune(result: dict[str, Any], tau: float, theta: float) -> float:
        """Return the gain of the controller by the SIMC rule."""
        gain: float = result["inputs"][0]["steady_state_gain"]["value"]
        return tau / (gain * 2.0 * theta)

    too_high = tune(single, single["time_constant"]["value"], 0.08 * single["delay"]["value"])
    assert too_high == pytest.approx(0.61, abs=5e-3)
    found = tune(both, larger + smaller / 2.0, 0.24 + smaller / 2.0)
    assert found == pytest.approx(0.47, abs=5e-3)


def test_a_building_has_two_published_time_constants_and_no_single_one() -> None:
    result = fit("building.csv --target indoor --inputs outdoor,heating,sun --time hour --json")
    # pySIP, docs/examples/thermal_network/armadillo/fit_frequentist.ipynb, in K/W and W·d/K.
    r_out, r_in, c_envelope, c_air = 0.017593, 0.001984, 169.597112, 18.946350
    flow = 1 / r_in
    rates = [[-(1 / r_out + flow) / c_envelope, flow / c_envelope], [flow / c_air, -flow / c_air]]
    fast, slow = sorted(-24 / np.linalg.eigvals(np.array(rates)).real)
    assert [round(fast, 1), round(slow)] == [0.8, 80]
    (interval,) = result["time_constant"]["intervals"]
    assert fast < interval["low"] < interval["high"] < slow
    gain = result["inputs"][1]["steady_state_gain"]
    assert gain["high"] < 1000 * (r_out + r_in) / 2
    assert {"follow_inputs", "noise_model_matters"} <= {*result["trust"]["reasons"]}


def two_rates(t: Array, a_1: float, log_1: float, a_2: float, log_2: float) -> Array:
    fast, slow = np.exp(-exp(log_1) * t), np.exp(-exp(log_2) * t)
    sum_of_both: Array = a_1 * fast + a_2 * slow
    return sum_of_both


def test_the_late_rate_of_a_drug_lies_among_those_of_two_compartments() -> None:
    subject, hours, concentration = read("indomethacin.csv", "subject", "hours", "concentration")
    slow = []
    for person in range(1, 7):
        own = (subject == person) & ~np.isnan(concentration)
        start = [2.0, 0.7, 0.3, -1.3]
        parameters = curve_fit(two_rates, hours[own], concentration[own], start)[0]
        slow.append(1 / exp(parameters[3]))
        if person == 1:  # the example of SSbiexp in R
            published = [2.0293, 0.5794, 0.1916, -1.7878]
            assert parameters == pytest.approx(published, abs=2e-4)
    assert [round(min(slow), 1), round(max(slow), 1)] == [1.5, 6.0]

    late = "indomethacin_late.csv --target concentration --inputs= --sequence subject --time hours"
    result = fit(f"{late} --no-offset --json")
    subject, hours, concentration = read(
        "indomethacin_late.csv", "subject", "hours", "concentration"
    )
    of_person = subject[:, np.newaxis] == np.arange(1, 7)
    decay = 4 * (hours - 2) + 1  # steps of a quarter of an hour, from the state before the first
    w_rec, _ = least_squares(lambda w: of_person * (w**decay)[:, np.newaxis], concentration)
    assert result["w_rec"]["value"] == pytest.approx(w_rec, abs=1e-7)
    assert min(slow) < result["time_constant"]["value"] < max(slow)


def test_sales_follow_the_indicator_as_box_and_jenkins_found() -> None:
    indicator, sales = read("sales_changes.csv", "indicator_change", "sales_change")
    columns = "--target sales_change --inputs indicator_change --time period"
    result = fit(f"sales_changes.csv {columns} --delay 0:6 --json")
    assert result["delay"]["value"] == 3
    # The first six targets only serve the longest delay.
    w_rec, weights = least_squares(lambda w: filter_inputs(w, indicator[3:-3]), sales[6:])
    assert result["w_rec"]["value"] == pytest.approx(w_rec, abs=1e-6)
    assert result["inputs"][0]["w_in"]["value"] == pytest.approx(weights[0], rel=1e-4)
    assert result["w_rec"]["value"] == pytest.approx(0.72, abs=0.01)
    assert result["inputs"][0]["w_in"]["value"] == pytest.approx(4.82, rel=0.03)
    assert result["offset"]["value"] == pytest.approx(0.035, abs=1e-3)


def test_advertising_carries_over_as_in_forecasting_principles_and_practice() -> None:
    result = fit("insurance.csv --target quotes --inputs tv --time month --noise ar1 --json")
    # The second edition, section 9.6: regression with errors of ARIMA(3, 0, 0).
    same_month, next_month = 1.256, 0.162
    (tv,) = result["inputs"]
    assert (
        tv["steady_state_gain"]["low"] < same_month + next_month < tv["steady_state_gain"]["high"]
    )
    assert tv["w_in"]["low"] < same_month < tv["w_in"]["high"]
    long_run = result["offset"]["value"] + 8.0 * tv["steady_state_gain"]["value"]
    assert 2.039 + 8.0 * (same_month + next_month) == pytest.approx(long_run, abs=0.1)
    (interval,) = result["w_rec"]["intervals"]
    assert interval["low"] == 0 < next_month / same_month < interval["high"]


def test_clearances_are_doses_per_area_under_the_measured_concentrations() -> None:
    names = ("subject", "minute", "rate", "concentration")
    subject, minute, rate, concentration = read("remifentanil.csv", *names)
    text = (RECIPES / "clearance.md").read_text()
    shown = [float(row) for row in re.findall(r"^ +\d +\w+ +(\d\.\d\d) ", text, re.MULTILINE)]
    areas = []
    for person in range(1, 7):
        own = subject == person
        dose = np.sum(rate[own][:-1] * np.diff(minute[own]))
        measured = own & ~np.isnan(concentration)
        times = np.append(0.0, minute[measured])
        levels = np.append(0.0, concentration[measured])
        slope, _ = np.polyfit(times[-4:], np.log(levels[-4:]), 1)
        areas.append(dose / (np.trapezoid(levels, times) - levels[-1] / slope))
        if person == 1:
            late = times >= 45.0
            share = np.trapezoid(levels[late], times[late]) / np.trapezoid(levels, times)
            assert share == pytest.approx(0.065, abs=1e-3)
    assert [round(min(areas), 2), round(max(areas), 2)] == [2.5, 3.87]
    assert shown == pytest.approx(areas, rel=0.06)


def test_mean_reversion_is_that_of_restricted_likelihood() -> None:
    (rate,) = read("interest_rate.csv", "rate")
    lags = np.abs(np.subtract.outer(np.arange(len(rate)), np.arange(len(rate))))
    ones = np.ones(len(rate))

    def deviance(rho: float) -> float:
        inverse = np.linalg.inv(rho**lags / (1.0 - rho**2))
        information = ones @ inverse @ ones
        residuals = rate - (ones @ inverse @ rate) / information
        logarithms = log(information) - float(np.linalg.slogdet(inverse)[1])
        return logarithms + (len(rate) - 1) * log(residuals @ inverse @ residuals)

    found = minimize_scalar(deviance, bounds=(0.5, 0.999), method="bounded")
    columns = "interest_rate.csv --target rate --inputs= --time month"
    result = fit(f"{columns} --w-rec 0:0 --noise ar1 --json")
    assert result["rho"] == pytest.approx(found.x, abs=1e-3)


def test_the_simulated_tables_have_the_time_constants_that_the_pages_state() -> None:
    for page, unit, truth in (("step_test", "minute", 6), ("room", "hour", 10)):
        shown = next(BLOCKS.finditer((RECIPES / f"{page}.md").read_text()))[4]
        row = re.search(rf"time_constant +(\S+) +(\S+) +(\S+) +{unit}", shown)
        assert row is not None
        assert float(row[2]) < truth < float(row[3])
        assert log(float(row[1]) / truth) == pytest.approx(0, abs=0.05)


def test_the_notebook_shows_what_it_computes(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its service is that of the pages; `tests/client/test_local.py` starts one."""
    monkeypatch.setattr(Client, "local", lambda: Client(f"http://{address}"))
    kept = json.loads(NOTEBOOK.read_text())
    assert (kept["nbformat"], kept["nbformat_minor"]) == (4, 5)
    computed = deepcopy(kept)
    run_cells(computed)
    for cell, other in zip(kept["cells"], computed["cells"], strict=True):
        shown, found = cell.get("outputs", []), other.get("outputs", [])
        assert [output["output_type"] for output in shown] == [
            output["output_type"] for output in found
        ]
        for output, again in zip(shown, found, strict=True):
            data, same = output.get("data", {}), again.get("data", {})
            assert data.keys() == same.keys()
            if "image/png" in data:
                assert picture_size(data["image/png"]) == picture_size(same["image/png"])
            else:
                text = output.get("text") or data["text/plain"]
                assert_equal_text("".join(again.get("text") or same["text/plain"]), "".join(text))


def picture_size(encoded: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
        return picture.size


@pytest.mark.oracle
def test_the_estimator_prints_what_its_page_shows(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (RECIPES / "estimator.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    monkeypatch.setenv("LINEAR_RNN_URL", f"http://{address}")
    monkeypatch.chdir(RECIPES.parents[1])
    exec(compile(code, "estimator.md", "exec"), {})  # noqa: S102
    gc.collect()  # warns of a copy of the client that is not closed
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert_equal_text(capsys.readouterr().out, shown)
