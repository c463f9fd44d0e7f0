"""Write the settings table into README.md: .venv/bin/python scripts/readme.py."""

import re
from pathlib import Path

from service.settings import settings_table

README = Path(__file__).parents[1] / "README.md"
PLACE = re.compile(r"(<!-- settings -->\n).*?(<!-- /settings -->)", re.DOTALL)


def main() -> None:
    """Write the table between its marks."""
    text = README.read_text(encoding="utf-8")
    table = settings_table()
    README.write_text(PLACE.sub(lambda m: f"{m[1]}{table}{m[2]}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
