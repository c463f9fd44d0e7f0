"""The modules of the Python client that are built: its models, keywords and synchronous half."""

import shutil
from pathlib import Path

from scripts.client_models import Generator
from scripts.client_requests import requests_source
from scripts.client_sync import sync_sources
from scripts.openapi import openapi_schema

PACKAGE = Path(__file__).parents[1] / "client" / "linear_rnn"


def built_files() -> dict[Path, str]:
    """Return the modules by their paths."""
    schema = openapi_schema()
    return {
        PACKAGE / "_models.py": Generator(schema).write(),
        PACKAGE / "_requests.py": requests_source(schema),
        **sync_sources(PACKAGE),
    }


def main() -> None:
    """Write the modules."""
    files = built_files()
    shutil.rmtree(PACKAGE / "_sync", ignore_errors=True)
    for path, source in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
