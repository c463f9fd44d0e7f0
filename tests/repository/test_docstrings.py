"""Public functions of the engine describe the arrays they take and return."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import pytest

import service.engine

SEE = re.compile(r"see ``\w+``")  # where a protocol describes the same method


def doors() -> Iterator[Any]:
    """Yield the packages of the engine, whose ``__all__`` is public."""
    for module in pkgutil.walk_packages(service.engine.__path__, "service.engine."):
        if module.ispkg:
            yield importlib.import_module(module.name)


def public_functions() -> dict[str, Any]:
    """Return the functions and methods that take or return arrays, by their names."""
    functions: dict[str, Any] = {}
    for door in doors():
        for name in door.__all__:
            thing = getattr(door, name)
            members = vars(thing) if inspect.isclass(thing) else {"": thing}
            for member, value in members.items():
                function = getattr(value, "__func__", value)
                if inspect.isfunction(function) and not member.startswith("_"):
                    functions[f"{name}.{member}".rstrip(".")] = inspect.unwrap(function)
    return {name: each for name, each in functions.items() if array_names(each)}


def array_names(function: Any) -> list[str]:
    """Return the parameters whose type contains an array, and "return" likewise."""
    annotations = inspect.get_annotations(function)
    return [name for name, kind in annotations.items() if re.search(r"Array|ndarray", f"{kind}")]


FUNCTIONS = public_functions()


def missing_sections(function: Any) -> list[str]:
    doc, missing = inspect.getdoc(function) or "", []
    parameters = [name for name in inspect.signature(function).parameters if name != "self"]
    for name in parameters:
        entry = rf"^\*{{0,2}}(\w+, )*\*{{0,2}}{name}(, \w+)*( : .*)?$"
        if name != "cls" and not re.search(entry, doc, re.MULTILINE):
            missing.append(name)
    if function.__annotations__.get("return") and "\nReturns\n---" not in doc:
        missing.append("Returns")
    if re.search(r"^ +raise \w+\(", inspect.getsource(function), re.MULTILINE):
        missing += [] if "\nRaises\n---" in doc else ["Raises"]
    return missing


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_arrays_have_parameters_and_returns(name: str) -> None:
    function = FUNCTIONS[name]
    if not SEE.search(inspect.getdoc(function) or ""):
        assert missing_sections(function) == []


def test_the_doors_are_counted() -> None:
    """The tests above would pass if nothing was found."""
    assert {"cost_surface", "make_grid", "forward_states", "Factor.sums"} <= FUNCTIONS.keys()
    assert missing_sections(test_functions_of_arrays_have_parameters_and_returns) == ["name"]
