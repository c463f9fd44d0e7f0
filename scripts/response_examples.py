"""Record the example responses of the OpenAPI schema: real answers to small requests.

python -m scripts.response_examples
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from service.app import create_app
from service.settings import Settings

FILE = Path(__file__).parents[1] / "service/api/response_examples.json"
ONE_WINDOW = {
    "windows": [{"w_in": {"low": 0, "high": 2}, "w_rec": {"low": 0, "high": 2}, "resolution": 3}]
}
SHORT_TRACE = {"dataset": {"n_steps": 3}, "points": [{"w_in": 1, "w_rec": 2}]}
# What no two answers share, and what an example shows in its place.
FIXED = {
    "created_at": "2026-01-02T03:04:05.678901Z",
    "started_at": "2026-01-02T03:04:05.678901Z",
    "finished_at": "2026-01-02T03:04:05.681234Z",
    "compute_seconds": 0.0023,
}
RESOURCES = {
    "training-runs": "run_id",
    "basin-maps": "map_id",
    "datasets": "dataset_id",
}


def record() -> dict[str, Any]:
    """Return the examples by operation, in the order in which they were recorded."""
    return asyncio.run(_record())


async def _record() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        app = create_app(Settings(data_dir=Path(directory), workers=0, render_processes=0))
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost") as client,
        ):
            return await _ask(client)


async def _ask(client: httpx.AsyncClient) -> dict[str, Any]:
    examples: dict[str, Any] = {}

    async def add(operation: str, body: Any = None, path: str | None = None) -> Any:
        method, _, own = operation.partition(" ")
        response = await client.request(method, path or own, json=body)
        response.raise_for_status()
        examples[operation] = _normal(response.json())
        return examples[operation]

    for name, parameter in RESOURCES.items():
        item = (await add(f"POST /v1/{name}", {}))["id"]
        await add(f"GET /v1/{name}")
        await add(f"GET /v1/{name}/{{{parameter}}}", path=f"/v1/{name}/{item}")
        if name != "datasets":
            cancel = f"/v1/{name}/{item}/cancel"
            await add(f"POST /v1/{name}/{{{parameter}}}/cancel", path=cancel)
    short = (await client.post("/v1/training-runs", json={"n_iterations": 3})).json()["id"]
    trajectory = f"/v1/training-runs/{short}/trajectory"
    await add("GET /v1/training-runs/{run_id}/trajectory", path=trajectory)
    for method in ("GET", "POST"):  # the answers are equal
        for path, body in (("gradient-trace", SHORT_TRACE), ("cost-surface", ONE_WINDOW)):
            examples[f"{method} /v1/{path}"] = await add(f"POST /v1/{path}", body)
    for path in ("predict", "gradient-check", "optimum"):
        await add(f"POST /v1/{path}", {})
    await add("POST /v1/evaluate", SHORT_TRACE)
    optimizers = await add("GET /v1/optimizers")
    del optimizers["items"][1:]
    return examples


def _normal(value: Any) -> Any:
    """Return JSON with fixed times, and with numbers as short as one would write them."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    if isinstance(value, list):
        return [_normal(item) for item in value]
    if isinstance(value, dict):
        return {
            name: FIXED[name] if name in FIXED and item is not None else _normal(item)
            for name, item in value.items()
        }
    return value


if __name__ == "__main__":
    FILE.write_text(json.dumps(record(), indent=1, ensure_ascii=False) + "\n")
