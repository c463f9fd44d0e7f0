"""Example requests. They are valid as they are; with ids, after the empty requests."""

from pathlib import Path
from string import Template
from typing import Any, Final

import orjson
from pydantic import BaseModel

# The ids of the tutorial's dataset, training run, fit and basin map, checked by a test.
DATASET_ID: Final = "ds_05aa9c3d3afdbff0f9faa5baec15c674"
RUN_ID: Final = "run_a6cbc59d5cd63c1b9d7a896b0d807824"
FIT_ID: Final = "fit_966f44303ba7121e266de658239ae59f"
MAP_ID: Final = "map_35f1095940e90318e5ec421f168dbd2a"
IDS: Final = {"run": RUN_ID, "fit": FIT_ID, "map": MAP_ID}  # by prefix

# A position in a list, such as a next_cursor.
CURSOR: Final = "1767225600000000-run_344f70db0d834c20c6e6cead5c0b5fcc"

_FILE: Final = Template(Path(__file__).with_name("request_examples.json").read_text("utf-8"))
# Further examples, by path; of files by media type.
_OWN: Final = orjson.loads(_FILE.substitute(run=RUN_ID, fit=FIT_ID, dataset=DATASET_ID))


def file_examples(media_type: str) -> dict[str, Any]:
    """Return the examples of a file in a request."""
    own: dict[str, Any] = _OWN[media_type]
    return own


def needs_fields(model: type[BaseModel]) -> bool:
    """Return True if an empty request is invalid."""
    return any(field.is_required() for field in model.model_fields.values())


def request_examples(path: str, model: type[BaseModel]) -> dict[str, Any]:
    """Return the examples of the request body at a path, or at the path of its file."""
    if needs_fields(model):
        own: dict[str, Any] = _OWN[path]
        return own
    value = model.model_validate({}).model_dump(mode="json", exclude={"inputs"}, exclude_none=True)
    if "inputs" in model.model_fields:
        value["inputs"] = model.model_fields["inputs"].default
    return {
        "tutorial": {"summary": "As in the tutorial, with the defaults filled in", "value": value},
        "empty": {"summary": "The same as an empty request", "value": {}},
        **_OWN.get(path, _OWN.get(path.partition(".")[0], {})),
    }
