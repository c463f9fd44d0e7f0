"""Write the generated tables of the documents: ``python -m scripts.tables``.

The settings go to docs/configuration.md, four rows of the benchmarks to README.md, and the fits of
public data, which take minutes, to docs/fitting.md.
"""

from pathlib import Path

from benchmarks import public_data, report
from service.operations.shared.limits import Limits
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]


def replace_table(text: str, name: str, table: str) -> str:
    """Return the text with the table between the markers of that name."""
    head, begin, rest = text.partition(f"<!-- {name} -->\n")
    _, end, tail = rest.partition(f"<!-- /{name} -->")
    if not end:
        raise ValueError(f"no markers for the table {name}")
    return f"{head}{begin}{table}{end}{tail}"


def settings_table() -> str:
    """Return all settings as a Markdown table."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    # The limits are inherited and come last.
    for field in sorted(Settings.model_fields, key=Limits.model_fields.__contains__):
        info = Settings.model_fields[field]
        default = "" if info.default in (None, ()) else f"`{info.default}`"
        meaning = " ".join((info.description or "").split())
        rows.append(f"| `{PREFIX}{field.upper()}` | {default} | {meaning} |")
    return "\n".join(rows) + "\n"


def updated_documents() -> dict[Path, str]:
    """Return the documents with current tables, except for the fits of public data."""
    tables = {
        "README.md": ("speed", report.format_summary(report.load_results()[1])),
        "docs/configuration.md": ("settings", settings_table()),
    }
    return {ROOT / name: update(name, *table) for name, table in tables.items()}


def update(name: str, marker: str, table: str) -> str:
    """Return a document with another table."""
    return replace_table((ROOT / name).read_text(encoding="utf-8"), marker, table)


def main() -> None:
    """Write the documents."""
    fits = update("docs/fitting.md", "public data", public_data.format_table())
    documents = updated_documents() | {ROOT / "docs/fitting.md": fits}
    for path, text in documents.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
