"""/v1/fits, and predictions with a fit."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter

from service.api.examples import FIT_ID
from service.store import arrays, computations, tables
from tests.api.conftest import read_table

FITS = "/v1/fits"


def make_series(
    n_steps: int = 60, n_sequences: int = 1, noise: float = 0.3, offset: float = 10.0
) -> dict[str, Any]:
    """Return a series with w_rec 0.8, weights 1.5 and -1, an offset and a state of 2."""
    rng = np.random.default_rng(1)
    sequences = []
    for _ in range(n_sequences):
        inputs, state, targets = rng.standard_normal((n_steps, 2)).round(3), 2.0, []
        for a, b in inputs.tolist():
            state = 0.8 * state + 1.5 * a - b
            targets.append(round(state + offset + noise * float(rng.standard_normal()), 3))
        sequences.append({"inputs": inputs.tolist(), "targets": targets})
    return {
        "kind": "series",
        "inputs": ["spend", "heating"],
        "target": "sales",
        "sequences": sequences,
        "step": {"length": 2, "unit": "hour"},
    }


SERIES = make_series()


def make_decays() -> dict[str, Any]:
    """Return sequences that decay with two rates, a slow one of 0.9 and a fast one of 0.5."""
    steps = np.arange(32)
    sequences = []
    for number in range(6):
        decay = (2.0 + 0.3 * number) * 0.5**steps + (1.0 - 0.1 * number) * 0.9**steps
        targets = decay * (1.0 + 0.1 * np.cos(7.0 * steps * (number + 1.0)))
        seen = [*range(6), *range(7, 32, 4)]
        values = [float(y) if i in seen else None for i, y in enumerate(targets)]
        sequences.append({"inputs": [[]] * 32, "targets": values})
    return {"kind": "series", "inputs": [], "sequences": sequences}


def test_an_empty_request_finds_the_optimum_of_the_tutorial(make_api: Any) -> None:
    api = make_api()
    response = api.post(FITS, {})
    assert response.status_code == 201
    result = response.json()
    assert result["id"] == FIT_ID
    assert response.headers["location"] == f"{FITS}/{FIT_ID}"
    assert result["w_rec"]["value"] == pytest.approx(1.0)
    assert result["inputs"][0]["w_in"]["value"] == pytest.approx(1.0)
    assert (result["cost"], result["log10_cost"]) == (0.0, None)
    assert (result["offset"], result["initial_states"], result["rho"]) == (None, None, None)
    assert result["time_constant"]["value"] is None  # w_rec is 1
    request = result["request"]
    assert (request["initial_state"], request["offset"]) == (0.0, False)
    assert request["step"] == {"length": 1.0, "unit": "step"}
    again = api.post(FITS)
    assert (again.status_code, again.json()) == (200, result)


def test_a_series_is_fitted_with_the_defaults_for_series(api: Any) -> None:
    result = api.post(FITS, {"dataset": SERIES}).json()
    request = result["request"]
    assert (request["initial_state"], request["offset"]) == ("each", True)
    assert request["step"] == {"length": 2.0, "unit": "hour"}
    assert request["dataset"]["kind"] == "stored"
    assert result["w_rec"]["value"] == pytest.approx(0.8, abs=0.02)
    (piece,) = result["w_rec"]["intervals"]
    assert piece["low"] < 0.8 < piece["high"]
    assert (piece["low_open"], piece["high_open"]) == (False, False)
    w = result["w_rec"]["value"]
    assert result["time_constant"]["value"] == pytest.approx(-2.0 / np.log(w))
    assert result["half_life"]["value"] == pytest.approx(2.0 * np.log(0.5) / np.log(w))
    times = [-2.0 / np.log(piece[end]) for end in ("low", "high")]
    interval = result["time_constant"]["intervals"][0]
    assert [interval["low"], interval["high"]] == pytest.approx(times)
    assert [each["name"] for each in result["inputs"]] == ["spend", "heating"]
    assert result["target"] == "sales"
    for each, weight in zip(result["inputs"], (1.5, -1.0), strict=True):
        assert each["w_in"]["low"] < weight < each["w_in"]["high"]
        gain = each["steady_state_gain"]
        assert gain["low"] < weight / 0.2 < gain["high"]
    assert result["offset"]["low"] < 10.0 < result["offset"]["high"]
    assert result["n_targets"] == 60
    assert result["degrees_of_freedom"] == 55
    trust = result["trust"]
    assert (trust["interval"], trust["reasons"], trust["cautions"]) == (True, [], [])
    assert trust["findings"] == result["alternatives"] == []
    (cautious,) = trust["cautious"]
    assert cautious["low"] < 0.8 < cautious["high"]
    assert result["effects"] == {"visible": True, "p": 0.005}
    assert all(each["effects"]["visible"] for each in result["inputs"])
    assert result["minima"][0]["criterion"] is None
    assert result["unique"]
    assert result["identifiable"]
    assert result["progress"] == {"done": 7, "total": 7}  # one search, and the verdict


def test_defaults_in_full_are_the_same_question(api: Any) -> None:
    first = api.post(FITS, {"dataset": SERIES}).json()
    body = {"dataset": first["request"]["dataset"], "initial_state": "each", "offset": True}
    assert api.post(FITS, body).json()["id"] == first["id"]
    body |= {"delay": {"low": 0, "high": 0.0}, "confidence": 0.95, "step": first["request"]["step"]}
    assert api.post(FITS, body).json()["id"] == first["id"]
    assert api.post(FITS, body | {"confidence": 0.9}).json()["id"] != first["id"]


def test_the_files_of_a_fit(stored_api: Any) -> None:
    result = stored_api.post(FITS, {"dataset": SERIES}).json()
    links = result["links"]
    assert stored_api.get(links["self"]).json() == result
    table = read_table(stored_api.get(links["csv"]))
    assert list(table)[:3] == ["sequence", "step", "target"]
    assert table["step"] == [str(step) for step in range(1, 61)]
    numbers = {name: np.array(column, float) for name, column in table.items()}
    np.testing.assert_allclose(
        numbers["target"] - numbers["prediction"], numbers["residual"], atol=1e-12
    )
    assert np.mean(numbers["residual"] ** 2) == pytest.approx(result["cost"])
    profile = read_table(stored_api.get(links["profile_csv"]))
    costs = np.array(profile["cost"], float)
    assert costs.min() == pytest.approx(result["cost"])
    assert profile["w_rec"][0] == "0.0"
    for name in ("svg", "profile_svg"):
        assert stored_api.get(links[name]).headers["content-type"] == "image/svg+xml"
    assert stored_api.get(FITS).json()["items"] == [result]


def test_a_fit_of_an_earlier_release_lacks_what_some_files_need(api: Any) -> None:
    fit = api.post("/v1/fits", {"dataset": make_series(50)}).json()
    database = api.app.state.service.database
    result = computations.get(database, fit["id"]).result or {}
    with database.transaction() as connection:
        arrays.delete(connection, fit["id"], "profile_criterion")
        old = {"result_version": 1, "result": {**result, "trust": {}}}
        fits = tables.computations
        connection.execute(fits.update().where(fits.c.id == fit["id"]).values(old))
    path = f"/v1/fits/{fit['id']}"
    assert api.get(f"{path}.csv").status_code == 200
    for suffix in (".svg", "/profile.svg", "/profile.csv"):
        response = api.get(path + suffix)
        assert response.status_code == 409
        assert "send the request of the computation again" in response.json()["detail"]
    assert api.delete(path).status_code == 204


def test_the_table_has_the_times_of_the_series(api: Any) -> None:
    rows = ["region,day,x,y"]
    for name, days in (("north", range(1, 25)), ("south", range(3, 28))):
        rows += [f"{name},2024-02-{day:02},{day % 5},{(3 * day) % 7}" for day in days]
    query = "?kind=series&target=y&inputs=x&sequence=region&time=day"
    dataset = {"kind": "stored", "id": api.upload("\n".join(rows), query=query).json()["id"]}
    fit = api.post(FITS, {"dataset": dataset, "delay": 2}).json()
    table = read_table(api.get(fit["links"]["csv"]))
    assert list(table)[:4] == ["sequence", "step", "time", "target"]
    dates = [row.split(",")[1] for row in rows[1:]]
    assert table["time"] == [*dates[2:24], *dates[26:]]


def test_a_fit_that_is_not_stored_has_its_arrays(api: Any) -> None:
    stored = api.post(FITS, {"dataset": SERIES}).json()
    result = api.post(FITS, {"dataset": SERIES, "keep": False}).json()
    assert (result["id"], result["links"]) == (None, None)
    assert {name: result[name] for name in ("w_rec", "inputs", "trust")} == {
        name: stored[name] for name in ("w_rec", "inputs", "trust")
    }
    arrays = result["arrays"]
    assert arrays["step"] == list(range(1, 61))
    assert len(arrays["profile_w_rec"]) == len(arrays["profile_cost"])
    assert stored["arrays"] is None


def test_missing_targets_and_several_sequences(api: Any) -> None:
    series = make_series(n_sequences=2)
    series["sequences"][0]["targets"][:3] = [None] * 3
    series["sequences"][1]["targets"][10] = None
    result = api.post(FITS, {"dataset": series, "keep": False}).json()
    assert result["n_targets"] == 120 - 4
    assert len(result["initial_states"]) == 2
    for state in result["initial_states"]:
        assert state["low"] < 2.0 < state["high"]
    arrays = result["arrays"]
    assert arrays["sequence"] == [0] * 57 + [1] * 60
    assert arrays["step"][0] == 4  # the first target
    assert (arrays["target"][57 + 10], arrays["residual"][57 + 10]) == (None, None)
    shared = api.post(FITS, {"dataset": series, "initial_state": "shared", "keep": False}).json()
    assert len(shared["initial_states"]) == 1


def test_each_sequence_has_its_own_offset(api: Any) -> None:
    series = make_series(n_sequences=3)
    for number, sequence in enumerate(series["sequences"]):
        sequence["name"] = f"shop {number}"
        sequence["targets"] = [target + 10.0 * number for target in sequence["targets"]]
    result = api.post(FITS, {"dataset": series, "offset": "each"}).json()
    offsets = result["offsets"]
    assert [each["sequence"] for each in offsets] == ["shop 0", "shop 1", "shop 2"]
    steps = np.diff([each["value"] for each in offsets])
    np.testing.assert_allclose(steps, 10.0, atol=1.0)
    assert all(each["low"] < each["value"] < each["high"] for each in offsets)
    mean = np.mean([each["value"] for each in offsets])
    assert result["offset"] == {"value": pytest.approx(mean), "low": None, "high": None}
    groups = result["groups"]
    assert groups["level_sd"] == pytest.approx(10.0, abs=0.5)
    assert groups["level_p"] < 1e-6
    (level,) = [each for each in result["summary"]["sentences"] if "3 sequences settle" in each]
    assert "p < 0.001" in level
    for link in ("contributions_csv", "svg"):
        assert api.get(result["links"][link]).status_code == 200
    model = {"kind": "fit", "id": result["id"]}
    ahead = api.post(
        "/v1/predict", {"model": model, "inputs": [INPUTS], "continue": {"sequence": 1}}
    )
    assert ahead.status_code == 200
    new = api.post("/v1/predict", {"model": model, "inputs": [INPUTS]})
    api.refused(new, "/model/initial_state", "its own offset")


@pytest.mark.parametrize(
    ("n_steps", "n_sequences", "options", "offset"),
    [
        (20, 3, {}, "each"),
        (20, 3, {"initial_state": "each", "verdict": False}, "each"),
        (20, 2, {}, True),
        (19, 3, {}, True),
        (20, 3, {"offset": True}, True),
        (20, 3, {"initial_state": "shared"}, True),
        (20, 3, {"initial_state": 0}, True),
    ],
    ids=str,
)
def test_a_panel_has_an_offset_per_sequence_by_default(
    api: Any, n_steps: int, n_sequences: int, options: dict[str, Any], offset: Any
) -> None:
    draws = np.random.default_rng(3)
    series = {
        "kind": "series",
        "inputs": ["x"],
        "target": "y",
        "sequences": [
            {"inputs": draws.normal(size=(n_steps, 1)).tolist(), "targets": each.tolist()}
            for each in draws.normal(size=(n_sequences, n_steps))
        ],
    }
    answer = api.post(FITS, {"dataset": series, **options}).json()
    assert answer["request"]["offset"] == offset
    assert (answer["groups"] is not None) == (offset == "each")


def test_a_delay_is_searched(api: Any) -> None:
    series = make_series(noise=0.0)
    sequence = series["sequences"][0]
    sequence["targets"] = [None, None, *sequence["targets"][:-2]]
    body = {"dataset": series, "delay": {"low": 0, "high": 4}}
    result = api.post(FITS, body).json()
    assert result["delay"]["value"] == 2
    assert [each["delay"] for each in result["delay"]["costs"]] == [0, 1, 2, 3, 4]
    assert min(each["cost"] for each in result["delay"]["costs"]) == result["cost"]
    assert result["progress"] == {"done": 11, "total": 11}  # a search per delay, and 6
    assert result["request"]["delay"] == {"low": 0, "high": 4}


def test_data_that_determine_little_are_answered(api: Any) -> None:
    series = make_series()
    for step in series["sequences"][0]["inputs"]:
        step[1] = 2.0 * step[0]
    result = api.post(FITS, {"dataset": series}).json()
    assert "nearly_collinear" in result["trust"]["cautions"]
    assert result["inputs"][0]["w_in"]["low"] is None
    for step in series["sequences"][0]["inputs"]:
        step[:] = [1.0, 1.0]
    constant = api.post(FITS, {"dataset": series})
    assert constant.status_code == 201
    series["sequences"][0]["targets"] = [5.0] * 60
    flat = api.post(FITS, {"dataset": series}).json()
    assert not flat["identifiable"]
    assert not flat["unique"]


@pytest.mark.parametrize("exponent", [-100, 98])
def test_magnitudes_at_the_limits(api: Any, exponent: int) -> None:
    series = make_series()
    for sequence in series["sequences"]:
        sequence["targets"] = [y * 10.0**exponent for y in sequence["targets"]]
    expected = api.post(FITS, {"dataset": SERIES}).json()
    result = api.post(FITS, {"dataset": series}).json()
    assert result["w_rec"]["value"] == pytest.approx(expected["w_rec"]["value"])
    (cautious,) = result["trust"].pop("cautious")
    (expected_cautious,) = expected["trust"].pop("cautious")
    assert cautious == pytest.approx(expected_cautious)
    assert result["trust"] == expected["trust"]
    log10_cost = expected["log10_cost"] + 2 * exponent
    assert result["log10_cost"] == pytest.approx(log10_cost)
    assert api.get(result["links"]["svg"]).status_code == 200
    assert api.get(result["links"]["profile_svg"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer", "words"),
    [
        ({"dataset": make_series(4)}, "/dataset", "4 targets for 5 unknowns"),
        ({"dataset": make_series(8), "delay": 100}, "/delay", "0 targets after the delay for 5 u"),
        ({"dataset": {"n_steps": 10_000}, "w_rec": {"high": 1.1}}, "/w_rec", "power of 10000"),
        ({"delay": {"low": 0, "high": 60}}, "/delay", "61 delays; the limit is 50"),
        ({"delay": {"low": 3, "high": 1}}, "/delay", "low must not be above"),
        ({"delay": 1.5}, "/delay", "fractional part"),
        ({"initial_state": "unknown"}, "/initial_state", "'shared' or 'each'"),
        ({"initial_state": 1e-200}, "/initial_state", "a magnitude from 1e-100"),
        ({"offset": "yes"}, "/offset", "true, false, a number or 'each'"),
        ({"dataset": SERIES, "offset": "each"}, "/offset", "there is only one sequence"),
        (
            {"dataset": make_series(n_sequences=2), "offset": "each", "initial_state": "shared"},
            "/initial_state",
            "with an offset per sequence",
        ),
        ({"gains": {"spend": 1}}, "/gains/spend", "the inputs are: input"),
        ({"curves": ["input", "spend"]}, "/curves/1", "the inputs are: input"),
        ({"curves": ["input", "input"]}, "/curves/0", "two inputs would be called input²"),
        ({"direct": ["spend"]}, "/direct/0", "the inputs are: input"),
        ({"season": 1}, "/season", "greater than or equal to 2"),
        ({"season": {"period": 12, "harmonics": 27}}, "/season/harmonics", "less than or equal"),
        ({"dataset": SERIES, "season": {"period": 61}}, "/season", "longest sequence, of 60"),
        ({"trend": 1}, "/trend", "valid boolean"),
        ({"time_constants": 3}, "/time_constants", "1, 2, 'per_input' or lists"),
        ({"time_constants": [["input"], ["b"]]}, "/time_constants/1/0", "a memory are: input"),
        (
            {"dataset": SERIES, "time_constants": [["spend"]]},
            "/time_constants",
            "no time constant for: heating",
        ),
        (
            {"dataset": SERIES, "time_constants": 2, "initial_state": 1},
            "/initial_state",
            "can only be 0",
        ),
        (
            {"dataset": SERIES, "time_constants": 2, "w_rec": {"low": 0, "high": 1.1}},
            "/w_rec",
            "from -1 to 1",
        ),
        (
            {"dataset": make_series(offset=0.0), "variance": "proportional"},
            "/variance",
            "values of one sign",
        ),
        (
            {"dataset": make_decays(), "offset": False, "variance": "proportional", "noise": "ar1"},
            "/variance",
            "do not settle",
        ),
        ({"w_rec": {"low": 0.5, "high": 0.5 + 1e-9}}, "/w_rec", "or equal to give w_rec"),
        ({"keep": False, "dataset": {"n_samples": 100_000}}, "/keep", "keep the fit"),
        (
            {"dataset": {"n_samples": 200_000}, "initial_state": "each"},
            "/initial_state",
            "shared state",
        ),
    ],
)
def test_invalid_bodies(api: Any, body: Any, pointer: str, words: str) -> None:
    response = api.post(FITS, body)
    api.refused(response, pointer)
    assert words in response.text


def test_too_many_inputs_are_refused(api: Any) -> None:
    series = {
        "kind": "series",
        "inputs": [f"x{i}" for i in range(13)],
        "sequences": [{"inputs": [[1.0] * 13] * 30, "targets": [1.0] * 30}],
    }
    response = api.post(FITS, {"dataset": series})
    api.refused(response, "/dataset/inputs", "at most 12 items")


def test_autoregressive_noise_may_have_gaps_and_sequences(api: Any) -> None:
    series = make_series(n_sequences=2)
    series["sequences"][0]["targets"][7] = None
    answer = api.post(FITS, {"dataset": series, "noise": "ar1"}).json()
    assert -0.6 <= answer["rho"] < 0.998
    assert answer["n_targets"] == 119
    assert answer["minima"][0]["criterion"] == 0.0
    pieces = [
        {end: piece[end] for end in ("low", "high")} for piece in answer["w_rec"]["intervals"]
    ]
    assert answer["trust"]["cautious"] == pieces
    profile = read_table(api.get(answer["links"]["profile_csv"]))
    assert min(map(float, profile["criterion"])) == 0.0
    assert api.get(answer["links"]["profile_svg"]).status_code == 200


def test_known_parameters_are_given(api: Any) -> None:
    body = {"dataset": SERIES, "offset": 10, "gains": {"spend": 7.5}}
    answer = api.post(FITS, body).json()
    assert answer["offset"] == {"value": 10.0, "low": None, "high": None}
    spend, heating = answer["inputs"]
    assert spend["steady_state_gain"] == {"value": 7.5, "low": None, "high": None}
    assert spend["w_in"]["value"] == pytest.approx(7.5 * (1 - answer["w_rec"]["value"]))
    assert spend["w_in"]["low"] < spend["w_in"]["value"] < spend["w_in"]["high"]
    assert spend["effects"] is None
    assert heating["effects"]["visible"]
    free = api.post(FITS, {"dataset": SERIES}).json()
    assert answer["degrees_of_freedom"] == free["degrees_of_freedom"] + 2
    assert answer["cost"] >= free["cost"]


def test_inputs_without_a_memory_a_trend_and_a_season(api: Any) -> None:
    body = {"dataset": SERIES, "direct": ["heating"], "trend": True, "season": {"period": 8}}
    answer = api.post(FITS, body).json()
    assert answer["request"]["season"] == 8
    heating = answer["inputs"][1]
    assert heating["steady_state_gain"] == heating["w_in"]
    assert answer["trend"]["low"] < answer["trend"]["value"] < answer["trend"]["high"]
    assert answer["degrees_of_freedom"] == 55 - 7
    none = {"time_constants": 1, "direct": [], "trend": False, "season": None}
    plain = api.post(FITS, {"dataset": SERIES, **none}).json()
    assert plain["request"].items() >= none.items()
    assert plain["id"] == api.post(FITS, {"dataset": SERIES}).json()["id"]


def test_two_time_constants_and_one_per_input(stored_api: Any) -> None:
    both = stored_api.post(FITS, {"dataset": SERIES, "time_constants": 2}).json()
    assert both["w_rec"] is both["time_constant"] is both["half_life"] is None
    slow, fast = both["states"]
    assert slow["w_rec"]["value"] > fast["w_rec"]["value"]
    assert slow["inputs"] == ["spend", "heating"]
    assert [*fast["weights"]] == slow["inputs"]
    assert both["degrees_of_freedom"] == 55 - 4
    groups = [["heating"], ["spend"]]
    own = stored_api.post(FITS, {"dataset": SERIES, "time_constants": groups}).json()
    weights = {name: each["value"] for s in own["states"] for name, each in s["weights"].items()}
    assert weights == pytest.approx({"spend": 1.5, "heating": -1.0}, abs=0.1)
    assert own["summary"]["headline"].startswith("Time constants ")
    response = own["inputs"][0]["response"]
    assert 0.0 < response["time_to_63_percent"] < response["time_to_95_percent"]
    assert response["peak"] is None
    for links in (both["links"], own["links"]):
        for name in ("svg", "profile_svg", "csv", "profile_csv"):
            assert stored_api.get(links[name]).status_code == 200
    model = {"kind": "fit", "id": own["id"]}
    body = {"model": model, "inputs": [INPUTS], "continue": {}}
    later = stored_api.post("/v1/predict", body).json()["outputs"][0]
    rest = stored_api.post(
        "/v1/predict", {"model": model | {"initial_state": 0}, "inputs": [INPUTS]}
    )
    assert np.isfinite(later + rest.json()["outputs"][0]).all()
    one = stored_api.post(FITS, {"dataset": SERIES}).json()
    (state,) = one["states"]
    assert state["w_rec"] == one["w_rec"]
    same = stored_api.post(FITS, {"dataset": SERIES, "time_constants": 1}).json()
    assert same["id"] == one["id"]


@pytest.mark.parametrize("noise", ["white", "ar1"])
def test_errors_that_grow_with_the_value(stored_api: Any, noise: str) -> None:
    series = make_series(offset=20.0)
    request = {"dataset": series, "variance": "proportional", "noise": noise}
    answer = stored_api.post(FITS, request).json()
    assert answer["minima"][0]["criterion"] == 0.0
    assert answer["innovation_sd"] == pytest.approx(answer["rmse"] / 20.0, rel=0.3)
    percent = f"typical error {100.0 * answer['innovation_sd']:.3g} % of the predicted value"
    assert any(percent in sentence for sentence in answer["summary"]["sentences"])
    table = read_table(stored_api.get(answer["links"]["csv"]))
    numbers = {name: np.array(column, float) for name, column in table.items()}
    np.testing.assert_allclose(numbers["target"] - numbers["prediction"], numbers["residual"])
    parts = read_table(stored_api.get(answer["links"]["contributions_csv"]))
    total = np.sum([np.array(parts[name], float) for name in [*parts][2:]], axis=0)
    np.testing.assert_allclose(total, numbers["prediction"], rtol=1e-6)
    profile = read_table(stored_api.get(answer["links"]["profile_csv"]))
    assert min(map(float, profile["criterion"])) == 0.0
    for name in ("svg", "profile_svg", "response_svg"):
        assert stored_api.get(answer["links"][name]).status_code == 200
    model = {"kind": "fit", "id": answer["id"]}
    body = {"model": model, "inputs": [[[9.0, 0.0], [0.0, 0.0]]], "continue": {}}
    later = stored_api.post("/v1/predict", body).json()
    widths = np.subtract(later["new_high"], later["low"])
    assert (widths > 0.0).all()


@pytest.mark.parametrize("value", [0.0, 0.8])
def test_a_given_w_rec_has_no_interval(stored_api: Any, value: float) -> None:
    options = {"w_rec": {"low": value, "high": value}}
    answer = stored_api.post(FITS, {"dataset": SERIES, **options}).json()
    assert answer["w_rec"] == {"value": value, "standard_error": None, "intervals": []}
    assert answer["trust"]["cautious"] == []
    assert answer["identifiable"]
    if value > 0.0:
        assert answer["summary"]["headline"] == "Time constant 8.96 hours (given)"
    assert stored_api.get(answer["links"]["profile_svg"]).status_code == 200
    model = {"kind": "fit", "id": answer["id"]}
    predicted = {"model": model, "inputs": [INPUTS], "continue": {}}
    outputs = stored_api.post("/v1/predict", predicted).json()["outputs"][0]
    state = answer["initial_states"][0]["value"] if value > 0.0 else 0.0
    whole = [*SERIES["sequences"][0]["inputs"], *INPUTS]
    assert outputs == pytest.approx(run_model(answer, whole, state)[-3:])


def test_with_direct_inputs_only_the_fit_is_a_regression(api: Any) -> None:
    answer = api.post(FITS, {"dataset": SERIES, "direct": ["heating", "spend"]}).json()
    assert answer["request"]["w_rec"] == {"low": 0.0, "high": 0.0}
    assert answer["degrees_of_freedom"] == 57
    assert answer["initial_states"] is None


def test_a_large_fit_becomes_a_job_or_is_refused(make_api: Any) -> None:
    api = make_api()
    large = {"dataset": {"n_samples": 200, "n_steps": 10_000}}
    job = api.post(FITS, large)
    assert job.status_code == 202
    assert api.post(job.json()["links"]["cancel"]).status_code == 202
    limited = make_api(max_job_seconds=1.0)
    api.refused(limited.post(FITS, large), "/dataset")
    larger = {"dataset": {"n_samples": 201, "n_steps": 10_000}}
    problem = api.refused(api.post(FITS, larger), "/dataset", "2010000 steps", "fewer sequences")
    assert problem["limit"] == 2_000_000
    small = api.post(FITS, {}, headers={"Prefer": "respond-async"})
    assert small.status_code == 202
    # As a job, a request is refused as it is at once.
    refused = api.post(FITS, {"dataset": make_series(4)}, headers={"Prefer": "respond-async"})
    api.refused(refused, "/dataset")


# Predictions.


def fit_model(api: Any, **body: Any) -> dict[str, Any]:
    result: dict[str, Any] = api.post(FITS, {"dataset": SERIES, **body}).json()
    return result


def run_model(result: dict[str, Any], inputs: list[list[float]], state: float) -> list[float]:
    """Return the fitted recurrence, step by step."""
    outputs, w = [], result["w_rec"]["value"]
    w_in = [each["w_in"]["value"] for each in result["inputs"]]
    for x in inputs:
        state = w * state + sum(a * b for a, b in zip(w_in, x, strict=True))
        outputs.append(state + result["offset"]["value"])
    return outputs


INPUTS = [[1.0, 0.0], [0.5, 0.5], [0.0, -2.0]]


def test_a_fit_continues_a_sequence(api: Any) -> None:
    result = fit_model(api)
    model = {"kind": "fit", "id": result["id"]}
    body = {"model": model, "inputs": [INPUTS], "continue": {"sequence": 0}}
    answer = api.post("/v1/predict", body).json()
    whole = [*SERIES["sequences"][0]["inputs"], *INPUTS]
    state = result["initial_states"][0]["value"]
    assert answer["outputs"][0] == pytest.approx(run_model(result, whole, state)[-3:])
    for k in range(3):
        ends = [answer[name][0][k] for name in ("new_low", "low", "outputs", "high", "new_high")]
        assert ends == sorted(ends)
    assert answer["model"]["id"] == result["id"]
    table = read_table(api.post("/v1/predict.csv", body))
    assert [float(x) for x in table["output"]] == answer["outputs"][0]
    assert table["step"] == ["1", "2", "3"]


def test_a_fit_predicts_new_sequences(api: Any) -> None:
    shared = fit_model(api, initial_state="shared", delay=1)
    model = {"kind": "fit", "id": shared["id"]}
    answer = api.post("/v1/predict", {"model": model, "inputs": [INPUTS, INPUTS[:2]]}).json()
    state = shared["initial_states"][0]["value"]
    expected = run_model(shared, INPUTS[:2], state)
    assert answer["outputs"][0] == [None, *(pytest.approx(x) for x in expected)]
    assert answer["outputs"][1] == [None, pytest.approx(expected[0])]
    assert answer["n_overflowed"] == 0
    each = fit_model(api)
    body: Any = {"model": {"kind": "fit", "id": each["id"]}, "inputs": [INPUTS]}
    api.refused(api.post("/v1/predict", body), "/model/initial_state")
    body["model"]["initial_state"] = -4.0
    answer = api.post("/v1/predict", body).json()
    assert answer["outputs"][0] == pytest.approx(run_model(each, INPUTS, -4.0))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"inputs": [[[1]]], "continue": {}}, "/inputs/0"),
        ({"inputs": [INPUTS], "continue": {"sequence": 1}}, "/continue/sequence"),
        ({"dataset": {}}, "/dataset"),
        ({"inputs": [INPUTS, INPUTS], "continue": {}}, "/inputs"),
        ({"inputs": [[[1, 2], [1]]], "continue": {}}, "/inputs/0/1"),
        ({"inputs": [[[1, "2"]]], "continue": {}}, "/inputs/0/0/1"),
        ({"inputs": [INPUTS], "return_states": True}, "/return_states"),
        ({"model": {"id": "fit_", "initial_state": 1e-200}}, "/model/initial_state"),
    ],
)
def test_invalid_predictions(api: Any, body: Any, pointer: str) -> None:
    model = {"kind": "fit", "id": fit_model(api)["id"]}
    api.refused(api.post("/v1/predict", {"model": model, **body}), pointer)


def test_other_models_take_one_number_per_step(api: Any) -> None:
    api.refused(api.post("/v1/predict", {"inputs": [INPUTS]}), "/inputs/0/0")
    api.refused(api.post("/v1/predict", {"continue": {}}), "/continue")
    missing = {"model": {"kind": "fit", "id": "fit_" + "0" * 32}, "inputs": [INPUTS]}
    assert api.post("/v1/predict", missing).status_code == 404


def test_a_season_that_changes_is_not_answered_by_the_same_season(api: Any) -> None:
    rng = np.random.default_rng(3)
    k = np.arange(144)
    inputs = rng.standard_normal(144)
    season = 2.0 * np.sin(2.0 * np.pi * k / 12) * np.where(k < 72, 1.0, -1.0)
    targets = np.convolve(inputs, 0.6**k)[:144] + season + 0.2 * rng.standard_normal(144)
    sequence = {"inputs": inputs[:, None].tolist(), "targets": targets.tolist()}
    dataset = {"kind": "series", "inputs": ["x"], "sequences": [sequence]}
    answer = api.post(FITS, {"dataset": dataset, "season": 12}).json()
    (finding,) = (each for each in answer["trust"]["findings"] if each["slug"] == "season")
    assert finding["lag"] == 12
    assert finding["advice"].startswith("The season may change over time")


VERDICT = ("trust", "alternatives", "summary", "effects")


def test_a_fit_without_a_verdict(stored_api: Any) -> None:
    series = make_series(n_sequences=2)
    full = stored_api.post(FITS, {"dataset": series}).json()
    response = stored_api.post(FITS, {"dataset": series, "verdict": False})
    assert response.status_code == 201
    fit = response.json()
    assert fit["id"] != full["id"]
    assert fit["request"] == full["request"] | {"verdict": False}
    assert [fit[name] for name in VERDICT] == [None] * 4
    assert all(full[name] is not None for name in VERDICT)
    assert [each.pop("effects") for each in fit["inputs"]] == [None] * 2
    for each in full["inputs"]:
        each.pop("effects")
    same = {*full} - {*VERDICT, "id", "request", "links", "progress", "compute_seconds"}
    same = {name for name in same if not name.endswith("_at")}
    assert {name: fit[name] for name in same} == {name: full[name] for name in same}
    assert fit["progress"]["done"] == fit["progress"]["total"] < full["progress"]["total"]
    for name, path in fit["links"].items():
        if name not in {"self", "events"}:
            assert stored_api.get(path).status_code == 200, name
    body = {"model": {"kind": "fit", "id": fit["id"]}, "continue": {"sequence": 0}}
    predicted = stored_api.post("/v1/predict", body | {"inputs": [[[1.0, 0.0]]]}).json()
    assert predicted["trust"] is None


def test_a_fit_of_one_sequence_of_a_stored_series(stored_api: Any) -> None:
    series = make_series(n_sequences=2)
    for name, sequence in zip(("north", "south"), series["sequences"], strict=True):
        sequence["name"] = name
    stored = stored_api.post("/v1/datasets", series).json()
    dataset = {"kind": "stored", "id": stored["id"], "sequence": "south"}
    fit = stored_api.post(FITS, {"dataset": dataset}).json()
    alone = {**series, "sequences": [{**series["sequences"][1], "name": None}]}
    expected = stored_api.post(FITS, {"dataset": alone}).json()
    assert fit["id"] != expected["id"]
    assert fit["request"]["dataset"] == dataset
    for name in ("w_rec", "inputs", "n_targets", "summary", "sequence_names"):
        assert fit[name] == expected[name], name
    tables = [read_table(stored_api.get(each["links"]["csv"])) for each in (fit, expected)]
    assert tables[0] == tables[1]
    body = {"continue": {"sequence": 0}, "inputs": [[[1.0, 0.0]]]}
    models = [{"kind": "fit", "id": each["id"]} for each in (fit, expected)]
    answers = [stored_api.post("/v1/predict", {**body, "model": each}).json() for each in models]
    assert answers[0]["new_high"] == answers[1]["new_high"]
    narrowed = stored_api.post("/v1/datasets", dataset).json()
    assert narrowed["id"] == stored_api.post("/v1/datasets", alone).json()["id"]
    both = {"kind": "stored", "id": stored["id"]}
    assert stored_api.post(FITS, {"dataset": both}).json()["request"]["dataset"] == both


@pytest.mark.parametrize("path", [FITS, "/v1/datasets"])
def test_a_sequence_that_does_not_exist(api: Any, path: str) -> None:
    series = make_series(n_sequences=2)
    ids = [api.post("/v1/datasets", each).json()["id"] for each in (series, {})]
    for identifier, detail in zip(ids, ("no sequence '2'", "is not a series"), strict=True):
        dataset = {"kind": "stored", "id": identifier, "sequence": "2"}
        response = api.post(path, {"dataset": dataset} if path == FITS else dataset)
        assert response.status_code == 404
        assert detail in response.json()["detail"]
        assert response.json().get("known", ["0", "1"]) == ["0", "1"]
    dataset = {"kind": "stored", "id": ids[0], "sequence": "1"}
    assert api.post(FITS, {"dataset": dataset}).json()["n_targets"] == 60
    refused = api.post("/v1/training-runs", {"dataset": dataset})
    assert refused.json()["errors"][0]["pointer"] == "/dataset/sequence"


def test_each_part_of_a_model_changes_the_id(api: Any) -> None:
    parts: tuple[dict[str, Any], ...] = (
        {},
        {"trend": True},
        {"season": 4},
        {"time_constants": 2},
        {"direct": ["x"]},
    )
    sequence = {"inputs": [[float(k % 3 == 0)] for k in range(40)], "targets": list(range(40))}
    dataset = {"kind": "series", "inputs": ["x"], "sequences": [sequence]}
    ids = {api.post("/v1/fits", {"dataset": dataset, **part}).json()["id"] for part in parts}
    assert len(ids) == len(parts)


def make_shops(n_sequences: int = 4, n_steps: int = 30) -> dict[str, Any]:
    """Return a series of shops whose levels and gains differ."""
    draws = np.random.default_rng(8)
    sequences = []
    for number in range(n_sequences):
        promo = draws.normal(size=n_steps)
        states = lfilter([1.0 + number], [1.0, -0.7], promo)
        targets = states + 10.0 * number + 0.3 * draws.normal(size=n_steps)
        sequences.append(
            {
                "name": f"shop {number}",
                "inputs": promo[:, None].tolist(),
                "targets": targets.tolist(),
            }
        )
    return {"kind": "series", "inputs": ["promo"], "target": "sales", "sequences": sequences}


def test_gains_that_differ_lead_to_gains_of_each_sequence(api: Any) -> None:
    series = make_shops()
    result = api.post(FITS, {"dataset": series}).json()
    assert result["trust"]["reasons"][0] == "gains_differ"
    (other,) = result["alternatives"]
    assert other["options"] == {"gains": "each"}
    better = api.post(FITS, {"dataset": series, **other["options"]}).json()
    assert better["trust"]["reasons"] == []
    assert better["request"]["offset"] == "each"
    (promo,) = better["inputs"]
    assert [each["sequence"] for each in promo["gains"]] == [f"shop {i}" for i in range(4)]
    values = [each["value"] for each in promo["gains"]]
    np.testing.assert_allclose(values, np.arange(1.0, 5.0) / 0.3, rtol=0.1)
    assert promo["steady_state_gain"]["value"] == pytest.approx(np.mean(values))
    gains = better["groups"]["gains"]["promo"]
    assert [gains[name] for name in ("lowest", "median", "highest")] == values[:2] + values[3:]
    assert gains["p"] < 1e-6
    assert gains["sd"] == pytest.approx(np.std(values, ddof=1), rel=0.05)
    assert any("median sequence" in sentence for sentence in better["summary"]["sentences"])
    for link in ("contributions_csv", "svg", "response_csv", "response_svg", "contributions_svg"):
        assert api.get(better["links"][link]).status_code == 200
    for suffix in ("png", "svg", "pdf"):
        assert api.get(better["links"][f"groups_{suffix}"]).status_code == 200
    table = read_table(api.get(better["links"]["groups_csv"]))
    assert [*table] == ["sequence", "input", "value", "low", "high"]
    assert table["input"] == [""] * 4 + ["promo"] * 4
    assert [float(value) for value in table["value"][4:]] == pytest.approx(values)
    shared = api.post(FITS, {"dataset": series, "offset": True}).json()
    table = read_table(api.get(shared["links"]["groups_csv"]))
    assert (table["sequence"], table["input"]) == ([""] * 2, ["", "promo"])
    assert float(table["value"][1]) == pytest.approx(
        shared["inputs"][0]["steady_state_gain"]["value"]
    )
    assert api.get(shared["links"]["groups_png"]).status_code == 200
    walk = {
        "kind": "series",
        "inputs": [],
        "target": "y",
        "sequences": [{"targets": [4.0, 2.0, 1.1]}],
    }
    nothing = api.post(FITS, {"dataset": walk, "offset": False}).json()
    assert api.get(nothing["links"]["groups_svg"]).status_code == 404
    model = {"kind": "fit", "id": better["id"]}
    forecast = {"model": model, "inputs": [[[1.0]] * 200], "continue": {"sequence": 3}}
    ahead = api.post("/v1/predict", forecast).json()
    settled = better["offsets"][3]["value"] + values[3]
    assert ahead["outputs"][0][-1] == pytest.approx(settled, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"gains": "each", "offset": True}, "/gains"),
        ({"gains": "each", "time_constants": 2}, "/gains"),
        ({"gains": "all"}, "/gains"),
        ({"gains": {"price": 1.0}}, "/gains/price"),
    ],
    ids=str,
)
def test_gains_of_each_sequence_need_its_offset(
    api: Any, options: dict[str, Any], pointer: str
) -> None:
    api.refused(api.post(FITS, {"dataset": make_shops(), **options}), pointer)
