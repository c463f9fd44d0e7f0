"""Training runs, basin maps and fits: their life cycles and files."""

import asyncio
import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from html import escape
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from linear_rnn import Adam, AsyncClient, Client, JobCancelled, LinearRNNError, Window
from linear_rnn._diagnostics import correlate

LONG: dict[str, Any] = {"n_iterations": 900_000, "record_every": 100}
SERIES = 50 * 0.8 ** np.arange(60)


def test_a_run_has_what_the_api_describes(rnn: Client) -> None:
    run = rnn.train(optimizer=Adam(learning_rate=0.05), clip={"by": "norm", "threshold": 1})
    assert run.trajectory["w_in"][-1] == run.final.weights.w_in
    assert run.trajectory.iteration.tolist() == list(range(501))
    assert run.request["optimizer"]["learning_rate"] == 0.05
    assert repr(run).count("\n") == 2
    assert rnn.runs.get(str(run.id)) == next(iter(rnn.runs)) == run
    assert run.plot(format="png")._repr_png_() == run.plot(format="png").content
    rnn.runs.delete(run)  # so that it is the newest again, and the test passes twice


def test_collections_are_listed_counted_and_shown(rnn: Client) -> None:
    runs = [rnn.train(n_iterations=n) for n in range(2, 14)]
    newest = rnn.runs.list(limit=12)
    assert len(rnn.runs) == len([*rnn.runs]) >= 12
    assert {*newest} == {*runs}  # results are hashable
    shown = rnn.runs._repr_html_()
    assert newest[0].id in shown
    assert newest[10].id not in shown
    assert escape(repr(newest[0]).splitlines()[1]) in newest[0]._repr_html_()
    assert newest[0]._repr_html_().endswith("</svg>\n")
    assert repr(rnn.runs) == "<Collection of /v1/training-runs>"
    for run in runs:
        rnn.runs.delete(run)


def test_a_fit_and_its_table_are_shown_in_a_notebook(rnn: Client) -> None:
    fit = rnn.fit({"level": SERIES}, target="level", offset=False)
    assert escape(fit.summary()) in fit._repr_html_()
    assert "<svg" in fit._repr_html_()
    assert fit.table._repr_html_().count("<tr>") == 11
    assert rnn.predict() != rnn.predict()


def test_a_run_that_is_not_stored(rnn: Client) -> None:
    run = rnn.train(keep=False, n_iterations=20)
    assert run.id is None
    stored = rnn.train(n_iterations=20)
    for name, column in stored.trajectory.items():
        np.testing.assert_array_equal(run.trajectory[name], column)
    for use in (run.plot, lambda: rnn.predict(model=run), lambda: rnn.runs.delete(run)):
        with pytest.raises(ValueError, match="keep=False"):
            use()


def test_the_request_of_a_result_asks_for_it_again(rnn: Client) -> None:
    asked: list[tuple[Any, Callable[..., Any]]] = [
        (rnn.train(optimizer="adam", n_iterations=9), rnn.train),
        (rnn.map_basins(window={"resolution": 3}, n_iterations=9), rnn.map_basins),
        (rnn.fit(w_rec=(0, 2)), rnn.fit),
    ]
    for result, ask in asked:
        again = ask(**result.to_dict())
        assert again.id == result.id
        assert again.request_id not in {None, result.request_id}


def test_a_long_run_can_be_followed_and_cancelled(
    rnn: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    job = rnn.train(**LONG, wait=False)
    assert job.status in {"queued", "running"}
    assert not hasattr(job, "final")
    with pytest.raises(LinearRNNError, match=f"{job.id} has no outcome: it is (queued|running)"):
        job.outcome  # noqa: B018 - raises
    assert rnn.runs.get(str(job.id)).cancel().status == "cancelled"
    with pytest.raises(JobCancelled, match=str(job.id)):
        job.wait()
    run = rnn.train(n_iterations=200_000, record_every=1000, progress=True)
    assert run.status == "succeeded"
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "200,000" in printed.err or "200000" in printed.err
    rnn.runs.delete(run)  # what is stored has no progress


def test_results_survive_pickle(rnn: Client) -> None:
    for result in (rnn.train(), rnn.fit(), rnn.surface(windows=[{"resolution": 2}])):
        again = pickle.loads(pickle.dumps(result))  # noqa: S301 - our own
        assert repr(again) == repr(result)
        assert again.plot().content == result.plot().content
        again._connection.close()


def test_a_picture_survives_pickle_and_is_saved_without_a_suffix(
    rnn: Client, tmp_path: Path
) -> None:
    picture = rnn.train().plot(format="png", width=400)
    again = pickle.loads(pickle.dumps(picture))  # noqa: S301 - our own
    again.save(tmp_path / "run")
    assert (tmp_path / "run.png").read_bytes() == picture.content
    again.save(tmp_path / "run.svg")
    assert (tmp_path / "run.svg").read_text().startswith("<?xml")
    again._load.func.__self__.close()


def test_a_key_is_not_in_a_pickle(rnn: Client) -> None:
    given = "a-key-of-a-user"
    with Client(rnn._connection.url, api_key=given) as other:
        assert given.encode() not in pickle.dumps(other) + pickle.dumps(other.runs)


def test_numbers_that_overflow_are_nan(rnn: Client) -> None:
    run = rnn.train(optimizer="gradient_descent", initial_weights=(1e200, 1e200), n_iterations=3)
    assert run.outcome == "diverged"
    weights = run.final.weights
    for number in (run.initial.cost, run.final.cost, weights.w_in, weights.w_rec):
        assert isinstance(number, float)
        assert math.isnan(number)
    assert run.initial.weights.w_in == 1e200
    assert run.initial.log10_cost == pytest.approx(3999.544)
    assert "w_in -, w_rec -" in repr(run)
    (evaluation,) = rnn.evaluate(points=[(1e200, 1e200)]).evaluations
    assert math.isnan(evaluation.cost)


def test_a_future_input_that_is_missing_is_named(rnn: Client) -> None:
    table = {"rain": [0, 1, 1, 0, 2, 1, 3, 1], "level": [1, 2, 4, 3, 4, 4, 6, 5]}
    fit = rnn.fit(table, target="level")
    with pytest.raises(LinearRNNError, match="have no 'rain'; their columns are"):
        fit.forecast({"sun": [1.0]})
    for missing in ({"rain": [1.0, None]}, {"rain": [1.0, math.nan]}, [[1.0], [None]]):
        with pytest.raises(LinearRNNError, match="'rain' is missing at step 2"):
            fit.forecast(missing)


def test_the_address_may_end_with_the_version_of_the_api(url: str) -> None:
    with Client(f"{url}/v1/") as client:
        assert client.predict([[0, 1, 1]]).outputs.tolist() == [2.0]


def test_scikit_learn_copies_no_connections(rnn: Client) -> None:
    assert deepcopy({"client": rnn})["client"] is rnn


def test_the_client_blocks_inside_an_event_loop(rnn: Client) -> None:
    async def inside() -> list[float]:
        outputs: list[float] = rnn.predict().outputs.tolist()
        return outputs

    assert asyncio.run(inside()) == [5.0]


def test_the_asynchronous_client(url: str, tmp_path: Path) -> None:
    async def ask() -> None:
        async with AsyncClient(url) as rnn:
            run, surface = await asyncio.gather(rnn.train(), rnn.surface())
            assert (await run.trajectory()).cost[0] == run.initial.cost
            await (await surface.plot()).save(tmp_path / "surface.png")
            job = await rnn.train(n_iterations=3000, wait=False)
            assert (await job.wait(progress=True)).status == "succeeded"
            assert job.id in [each.id async for each in rnn.runs]
            await rnn.runs.delete(job)

    asyncio.run(ask())
    assert (tmp_path / "surface.png").exists()


def test_a_map_has_the_outcome_of_every_cell(rnn: Client) -> None:
    window: Window = {"w_in": (-1, 2), "w_rec": (0.5, 1.5), "resolution": 4}
    found = rnn.map_basins(window=window, n_iterations=300)
    assert found.shares is not None
    reached = np.mean(np.asarray(found.outcomes) == "target_reached")
    assert found.shares.target_reached == pytest.approx(reached)
    table = found.to_pandas()
    assert (table["outcome"] == "target_reached").mean() == pytest.approx(reached)
    inline = rnn.map_basins(window=window, n_iterations=300, keep=False)
    assert np.array_equal(inline.outcomes, found.outcomes)
    assert "target_reached" in repr(found)


def test_each_time_constant_of_a_fit_has_an_interval_and_is_in_its_summary(rnn: Client) -> None:
    pulses = np.zeros(120)
    pulses[[3, 17, 40, 66, 95]] = 5.0
    steps = np.arange(120)
    level = np.convolve(pulses, 2.0 * 0.5**steps + 0.95**steps)[:120]
    noise = np.random.RandomState(4).randn(120)
    table = {"pulse": pulses, "level": level + 0.05 * noise}
    fit = rnn.fit(table, target="level", initial_state=0, offset=False, time_constants=2)
    intervals = fit.conf_int()
    for name, true in (("w_rec_1", 0.95), ("w_rec_2", 0.5)):
        (piece,) = intervals[name]
        assert piece.low is not None
        assert piece.high is not None
        assert piece.low < true < piece.high
    times = [state.time_constant.value for state in fit.states]
    assert times == pytest.approx(-1 / np.log([0.95, 0.5]), rel=0.1)
    with pytest.raises(LinearRNNError, match="no time_constant: it has several, in `states`"):
        fit.time_constant  # noqa: B018 - raises
    lines = fit.summary().splitlines()
    for k, time in enumerate(times, 1):
        (line,) = (line for line in lines if line.startswith(f"time constant {k} (step)"))
        assert float(line.split()[4]) == pytest.approx(time, rel=1e-3)


def test_a_fit_finds_the_rate_of_a_decay(rnn: Client) -> None:
    noise = np.random.RandomState(1).randn(60)
    fit = rnn.fit({"level": SERIES + 0.1 * noise}, target="level", offset=False)
    assert fit.w_rec.value is not None
    assert fit.w_rec.low < 0.8 < fit.w_rec.high  # type: ignore[operator]
    # e^(-1/τ) = w_rec
    assert fit.time_constant.value == pytest.approx(-1 / np.log(fit.w_rec.value))
    assert fit.conf_int()["w_rec"] == fit.w_rec.pieces
    table = fit.to_pandas()
    np.testing.assert_allclose(table["target"] - table["prediction"], fit.residuals, atol=1e-9)
    assert np.sqrt(np.mean(fit.residuals**2)) == pytest.approx(fit.rmse)
    lowest = np.argmin(fit.profile().cost)
    assert fit.profile().w_rec[lowest] == pytest.approx(fit.w_rec.value, abs=0.01)
    forecast = fit.forecast(5)
    assert np.all(forecast.new_low <= forecast.mean)
    ratios = forecast.mean[1:] / forecast.mean[:-1]
    np.testing.assert_allclose(ratios, fit.w_rec.value)
    assert fit.summary().count("\n") > 5
    assert repr(fit).count("\n") < 4


def test_a_fit_has_responses_and_contributions(rnn: Client) -> None:
    rows = {"level": SERIES, "pump": np.arange(len(SERIES)) % 7, "well": ["A"] * len(SERIES)}
    fit = rnn.fit(rows, target="level", inputs=["pump"], sequence="well", offset=False)
    parts = fit.contributions.to_pandas()
    assert list(parts) == ["sequence", "step", "start", "baseline", "pump"]
    assert set(parts["sequence"]) == {"A"}
    total = parts[["start", "baseline", "pump"]].sum(axis=1)
    np.testing.assert_allclose(total, fit.table.prediction)
    response = fit.response.to_pandas()
    assert set(response["input"]) == {"pump"}
    assert response["response"][0] == 0.0
    assert fit.response.plot(theme="dark").content.startswith(b"<?xml")
    assert fit.contributions.plot(format="png").content.startswith(b"\x89PNG")
    assert fit.plot(scale="log").format == "svg"
    with pytest.raises(ValueError, match=r"no sequence 'B'; the sequences are \['A'\]"):
        fit.forecast([1], sequence="B")


def test_the_autocorrelations_of_diagnostics_are_those_of_the_definition() -> None:
    rng = np.random.default_rng(1)
    white = rng.standard_normal(200)
    products = [float(white[:-lag] @ white[lag:]) for lag in range(1, 21)]
    correlations = correlate(white, ["A"] * 200)
    np.testing.assert_allclose(correlations, np.array(products) / float(white @ white))


def test_diagnostics_are_drawn(rnn: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = rnn.fit({"level": SERIES}, target="level", offset=False)
    figure = fit.diagnostics.plot()
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert [axes.get_title() for axes in figure.axes] == [
        "Autocorrelation",
        "Quantiles",
        "Residuals",
    ]
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "linear_rnn._figures")
    with pytest.raises(ImportError, match="matplotlib"):
        fit.diagnostics.plot()


class Tight(httpx.HTTPTransport):
    """A transport to services that write no space after the colons of events."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if request.url.path.endswith("/events"):
            content = re.sub(rb"(?m)^(event|data): ", rb"\1:", response.read())
            return httpx.Response(200, headers=response.headers, content=content)
        return response


def test_events_need_no_space_after_colons(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with httpx.Client(transport=Tight()) as http, Client(url, http_client=http) as rnn:
        # It lasts for seconds. A run that has ended before its events are read has no progress.
        run = rnn.train(**LONG, progress=True)
        rnn.runs.delete(run)
    shown = re.findall(r"([\d,]+) of 900,000", capsys.readouterr().err)
    assert len(shown) > 1
    assert shown[-1] == "900,000"


@contextmanager
def serving(directory: Path, port: int) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Run a service with its data in a directory; yield its process and its port."""
    program = str(Path(sys.executable).with_name("linear-rnn"))
    options = ["--port", str(port), "--data-dir", str(directory), "--workers", "1"]
    with subprocess.Popen(
        [program, "serve", "--until-stdin-closes", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if name[:4] != "RNN_"},
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_waiting_survives_a_restart_of_the_service(tmp_path: Path, end: int) -> None:
    with ThreadPoolExecutor() as threads, ExitStack() as clients:
        with serving(tmp_path, 0) as (service, port):
            url = f"http://127.0.0.1:{port}"
            waiting, other = (clients.enter_context(Client(url)) for _ in range(2))
            run = threads.submit(lambda: waiting.train(**LONG))
            while not any(each.progress.done for each in other.runs):
                assert not run.done()
            service.send_signal(end)
            service.wait(300)
        with serving(tmp_path, port):
            assert run.result(timeout=600).status == "succeeded"


@pytest.mark.parametrize("unit", ["hours", "h", "min"])
def test_the_summary_has_the_unit_and_the_confidence(rnn: Client, unit: str) -> None:
    table = {unit: [*range(5)], "level": [0.5**k for k in range(5)]}
    fit = rnn.fit(table, target="level", inputs=[], time=unit, offset=False, confidence=0.999)
    assert f"time constant ({unit}) " in fit.summary()
    assert " 99.9% interval\n" in fit.summary()


def test_a_verdict_is_false_where_the_interval_is_not_to_be_trusted(rnn: Client) -> None:
    fit = rnn.fit({"level": [1.0, 2.0, 1.5]}, target="level")
    assert not fit.trust
    verdict = fit.verdict
    assert fit.summary().splitlines()[:2] == [verdict.headline, ""]
    assert f"{verdict.headline}\n  {verdict.sentences[0]}" in repr(fit)
    assert not fit.forecast(2).trust
