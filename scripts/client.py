"""Write the generated files of the Python client: ``python -m scripts.client [--check]``.

With ``--check`` it fails if a file differs, and writes nothing.
"""

import subprocess
import sys
from pathlib import Path

from scripts.client_models import models_source
from scripts.client_requests import requests_source
from scripts.client_sync import sync_sources

PACKAGE = Path(__file__).parents[1] / "client" / "linear_rnn"


def generated_files() -> dict[Path, str]:
    """Return the generated modules by their paths, formatted."""
    sources = {
        PACKAGE / "_models.py": models_source(),
        PACKAGE / "_requests.py": requests_source(),
        **sync_sources(PACKAGE),
    }
    return {path: _format(path, source) for path, source in sources.items()}


def _format(path: Path, source: str) -> str:
    ruff = Path(sys.executable).with_name("ruff")
    for options in (["check", "--fix-only", "--select", "I"], ["format"]):
        source = subprocess.run(  # noqa: S603 - our own command
            [ruff, *options, "--quiet", "--stdin-filename", path, "-"],
            input=source,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return source


def main() -> int:
    """Write the files, or compare them."""
    outdated = []
    for path, source in generated_files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != source:
            outdated.append(path.name)
            if "--check" not in sys.argv:
                path.parent.mkdir(exist_ok=True)
                path.write_text(source, encoding="utf-8")
    if outdated and "--check" in sys.argv:
        sys.exit(f"outdated in client/linear_rnn: {', '.join(outdated)}; run make openapi")
    return 0


if __name__ == "__main__":
    sys.exit(main())
