"""Write the tables of settings and of speed into README.md: .venv/bin/python scripts/readme.py."""

import re
from pathlib import Path

from service.settings import settings_table

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks" / "results.md"


def speed_table() -> str:
    """Return the benchmark's table as it was measured last, without its remarks."""
    rows = [line for line in RESULTS.read_text(encoding="utf-8").split("\n") if line[:1] == "|"]
    return "".join("|".join(row.split("|")[:8]) + "|\n" for row in rows)


def main() -> None:
    """Write each table between its marks."""
    text = README.read_text(encoding="utf-8")
    for name, table in (("settings", settings_table()), ("speed", speed_table())):
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text = place.sub(lambda m, table=table: f"{m[1]}{table}{m[2]}", text)
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
