"""Record the examples of response models in the OpenAPI schema: real answers to small requests.

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
REQUESTS = {
    "TrainingRun": ("training-runs", {}),
    "BasinMap": ("basin-maps", {}),
    "FitResource": ("fits", {}),
    "DatasetSummary": ("datasets", {}),
    "EvaluateResponse": ("evaluate", {"dataset": {"n_samples": 1}, "points": [{"w_rec": 0.5}]}),
    "PredictResponse": ("predict", {}),
    "GradientTraceResponse": (
        "gradient-trace",
        {"dataset": {"n_steps": 2}, "points": [{"w_in": 1, "w_rec": 2}]},
    ),
    "GradientCheckResponse": ("gradient-check", {}),
    "CostSurfaceResponse": (
        "cost-surface",
        {
            "windows": [
                {"w_in": {"low": 0, "high": 2}, "w_rec": {"low": 0, "high": 2}, "resolution": 2}
            ]
        },
    ),
    "OptimumResponse": ("optimum", {}),
}
# What no two answers share, and what an example shows in its place.
FIXED = {
    "created_at": "2026-01-02T03:04:05.678901Z",
    "started_at": "2026-01-02T03:04:05.678901Z",
    "finished_at": "2026-01-02T03:04:05.681234Z",
    "compute_seconds": 0.0023,
}


def record() -> dict[str, Any]:
    """Return the examples by the name of their model."""
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
    for model, (path, body) in REQUESTS.items():
        examples[model] = (await client.post(f"/v1/{path}", json=body)).json()
    short = (await client.post("/v1/training-runs", json={"n_iterations": 1})).json()
    examples["TrajectoryResponse"] = (await client.get(short["links"]["trajectory"])).json()
    return {model: _normal(example) for model, example in examples.items()}


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
    examples = record()
    run, basin_map = examples["TrainingRun"], examples["BasinMap"]
    run["request"] = basin_map["request"] = None  # which is an example request with its defaults
    examples["BasinMap"] = {
        name: value for name, value in basin_map.items() if name not in run or value != run[name]
    }
    run["optimum"] = None  # that of OptimumResponse
    FILE.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n")
