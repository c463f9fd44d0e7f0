"""The modules of the pages that need no browser, in Node.js."""

import json
import re
from graphlib import TopologicalSorter
from pathlib import Path

from service.api.routes import explorer
from service.engine.data import name_unit
from tests.programs import needs, run_program

FOLDER = Path(__file__).parent / "modules"


def test_no_module_imports_itself_through_others() -> None:
    graph = {
        path: {
            (path.parent / name).resolve()
            for name in re.findall(r'(?:from|import|import\()\s*"(\..*?\.js)"', path.read_text())
        }
        for path in explorer.FOLDER.resolve().rglob("*.js")
    }
    assert len(graph) > 60
    assert all(names <= graph.keys() for names in graph.values())
    TopologicalSorter(graph).prepare()  # raises CycleError


@needs("node")
def test_functions_without_a_page() -> None:
    tests = sorted(FOLDER.glob("*.test.js"))
    assert tests
    result = run_program("node", "--test", *tests, check=False)
    assert result.returncode == 0, result.stdout


def test_the_pictures_name_units_as_the_page_does() -> None:
    names = json.loads((FOLDER / "units.json").read_text())
    assert names == {unit: [name_unit(unit, plural=False), name_unit(unit)] for unit in names}
