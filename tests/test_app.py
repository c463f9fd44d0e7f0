"""The application: its routes, its state from the settings, and its lifespan."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np

from service.app import create_app
from service.operations.shared.limits import Limits
from service.settings import Settings
from service.store import datasets
from tests.programs import run_program


def make_state(settings: dict[str, Any]) -> Any:
    """Return the state of an application with these settings."""
    return create_app(Settings.model_validate(settings)).state.service


def test_slow_modules_are_not_imported_before_the_start() -> None:
    code = (
        "import sys, service.app, service.server.main, service.store.migrate; print(*sys.modules)"
    )
    done = run_program(sys.executable, "-c", code)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"matplotlib", "contourpy", "scipy", "python_calamine", "redis", "pandas"}


def test_the_limits_are_those_of_the_settings() -> None:
    assert make_state({}).limits == Limits()
    changed = {name: 2 + i for i, name in enumerate(Limits.model_fields)}
    limits = make_state(changed).limits
    assert {name: getattr(limits, name) for name in changed} == changed


def test_the_service_deletes_what_has_expired(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, render_processes=0, retention_days=1e-9))
    dataset_id, numbers = f"ds_{1:032x}", np.ones((1, 1))

    async def run() -> None:
        async with app.router.lifespan_context(app), asyncio.timeout(60):
            database = app.state.service.database
            datasets.add(database, dataset_id, numbers, numbers[0])
            while datasets.list_page(database, 1)[0]:
                await asyncio.sleep(0.05)

    asyncio.run(run())
