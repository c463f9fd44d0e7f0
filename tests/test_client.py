"""Every method of the client, with the application in this process."""

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from service.app import create_app
from service.client import Client, ProblemError
from service.settings import Settings

SMALL = {"n_iterations": 20, "window": {"resolution": 3}}


class Bridge(httpx.BaseTransport):
    """A transport to an application in this process."""

    def __init__(self, app: Any, runner: asyncio.Runner) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self.runner = runner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        return self.runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        asynchronous = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        response = await self._inner.handle_async_request(asynchronous)
        content = await response.aread()
        headers = [item for item in response.headers.items() if item[0] != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, content=content)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("data"), render_processes=0))
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        with Client("http://localhost", transport=Bridge(app, runner)) as client:
            yield client
        runner.run(lifespan.__aexit__(None, None, None))


def test_computations_that_are_not_stored(client: Client) -> None:
    assert client.predict().outputs.tolist() == [5.0]
    assert client.predict(inputs=np.ones((2, 3))).outputs.tolist() == [3.0, 3.0]
    assert client.evaluate(points=[{}]).evaluations[0].outputs.shape == (20,)
    trace = client.gradient_trace(points=[{"w_in": 1, "w_rec": 2}], dataset={"n_steps": 1100})
    assert np.isnan(trace.traces[0].gradient[0])
    assert trace.traces[0].log10_magnitude[0] > 308.0
    assert (client.gradient_check().relative_error or 1.0) < 1e-6
    assert not client.optimum(dataset={"kind": "remember"}).unique
    surface = client.cost_surface(windows=[{"resolution": 5}]).windows[0]
    assert surface.cost.shape == (5, 5)
    assert client.optimum().weights.w_in == 1.0
    assert "rprop" in [each.name for each in client.optimizers().items]
    assert client.download("/v1/cost-surface.svg", theme="dark").startswith(b"<?xml")


def test_training_runs(client: Client) -> None:
    run = client.train(n_iterations=20)
    assert client.get(str(run.id)) == client.list("run", limit=1).items[0]
    path = client.trajectory(str(run.id))
    assert path.iteration.tolist() == list(range(21))
    assert path.w_in[0] == -1.5
    assert client.download((run.links or {})["csv"]).startswith(b"iteration,")
    client.delete(str(run.id))
    with pytest.raises(ProblemError, match=str(run.id)) as caught:
        client.get(str(run.id))
    assert caught.value.problem.status == 404


def test_basin_maps(client: Client) -> None:
    found = client.map_basins(**SMALL)
    assert client.get(str(found.id)).shares == found.shares
    assert [item.id for item in client.list("map", limit=1).items] == [found.id]
    arrays = np.load(io.BytesIO(client.download((found.links or {})["npz"])))
    assert arrays["outcome"].shape == (3, 3)
    client.delete(str(found.id))
    assert client.list("map").items == []


def test_fits(client: Client) -> None:
    result = client.fit()
    assert client.get(str(result.id)) == client.list("fit", limit=1).items[0]
    assert result.w_rec is not None
    assert result.w_rec.value == pytest.approx(1.0)
    assert client.download((result.links or {})["csv"]).startswith(b"sequence,step,")
    with pytest.raises(TypeError, match="predict_fit"):
        client.predict(model={"kind": "fit", "id": result.id}, inputs=[[0, 1, 1]])
    prediction = client.predict_fit(str(result.id), inputs=[[0, 1, 1]])
    np.testing.assert_allclose(prediction.outputs[0], [0.0, 1.0, 2.0], atol=1e-12)
    continued = client.predict_fit(str(result.id), inputs=[[1]], **{"continue": {"sequence": 0}})
    assert continued.outputs[0].shape == (1,)
    client.delete(str(result.id))
    assert client.list("fit").items == []


def test_datasets(client: Client) -> None:
    stored = client.store_dataset(n_samples=3, name="three")
    assert client.get(stored.id) == stored == client.list("ds", limit=1).items[0]
    assert client.upload_dataset(client.download(stored.links["csv"])) == stored
    archive = client.download(stored.links["npz"])
    assert client.upload_dataset(archive, "application/x-npz") == stored
    client.delete(stored.id)
    assert client.list("ds").items == []


def test_series(client: Client) -> None:
    rows = "".join(f"{k},{k % 3},{50 * 0.8**k + k % 3}\n" for k in range(40))
    stored = client.upload_dataset(
        f"day,dose,level\n{rows}", target="level", inputs="dose", time="day", name="doses"
    )
    assert (stored.kind, stored.inputs, stored.name) == ("series", ["dose"], "doses")
    assert stored.step is not None
    assert stored.step.unit == "day"
    table = client.download(stored.links["csv"])
    again = client.upload_dataset(
        table, target="level", inputs="dose", sequence="sequence", time="day"
    )
    assert again == stored


def test_problems_become_exceptions(client: Client) -> None:
    with pytest.raises(ProblemError) as caught:
        client.train(n_iterations=-1)
    (field,) = caught.value.problem.errors or []
    assert field.pointer == "/n_iterations"
    with pytest.raises(ProblemError, match="line 2"):
        client.upload_dataset("1,2\n3,x\n")


def test_other_errors_are_those_of_httpx() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(502, text="bad gateway"))
    with (
        Client("http://proxy", transport=transport) as client,
        pytest.raises(httpx.HTTPStatusError),
    ):
        client.predict()
