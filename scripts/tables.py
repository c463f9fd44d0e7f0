"""Write the generated tables of the documents: ``python -m scripts.tables``.

The settings go to docs/configuration.md, four rows of the benchmarks to README.md, and to
docs/fitting.md the reasons and cautions, and the fits of public data, which take minutes.
"""

from collections.abc import Mapping
from pathlib import Path

from benchmarks import public_data, report
from service.engine.fit import TEXTS
from service.operations.shared.limits import Limits
from service.schemas.fit_results import CAUTIONS, REASONS
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


def findings_table(kind: str) -> str:
    """Return the reasons, or the cautions, with their texts as a Markdown table."""
    slugs = {"reasons": REASONS, "cautions": CAUTIONS}[kind]
    columns = [name for name in ("meaning", "action") if name in TEXTS[kind][slugs[0]]]
    rows = [[f"`{slug}`", *(TEXTS[kind][slug][name] for name in columns)] for slug in slugs]
    header = [kind.removesuffix("s"), *columns]
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def updated_documents() -> dict[Path, str]:
    """Return the documents with current tables, except for the fits of public data."""
    tables = {
        "README.md": {"speed": report.format_summary(report.load_results()[1])},
        "docs/configuration.md": {"settings": settings_table()},
        "docs/fitting.md": {kind: findings_table(kind) for kind in ("reasons", "cautions")},
    }
    return {ROOT / name: update(name, each) for name, each in tables.items()}


def update(name: str, tables: Mapping[str, str]) -> str:
    """Return a document with other tables, by their markers."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for marker, table in tables.items():
        text = replace_table(text, marker, table)
    return text


def main() -> None:
    """Write the documents."""
    for path, text in updated_documents().items():
        path.write_text(text, encoding="utf-8")
    fits = update("docs/fitting.md", {"public data": public_data.format_table()})
    (ROOT / "docs/fitting.md").write_text(fits, encoding="utf-8")


if __name__ == "__main__":
    main()
