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


def modules() -> Iterator[Any]:
    """Yield all modules and packages of the engine."""
    for module in pkgutil.walk_packages(service.engine.__path__, "service.engine."):
        yield importlib.import_module(module.name)


def public_functions() -> dict[str, Any]:
    """Return the functions and methods that take or return arrays, by their names.

    They are those that packages export, and others without an underscore if they have several
    arrays.
    """
    functions: dict[str, Any] = {}
    for module in modules():
        exported = getattr(module, "__all__", ())
        for name, thing in vars(module).items():
            members = vars(thing) if inspect.isclass(thing) else {"": thing}
            for member, value in members.items():
                function = inspect.unwrap(getattr(value, "__func__", value))
                if not inspect.isfunction(function) or name[0] == "_" or member[:1] == "_":
                    continue
                is_own = getattr(thing, "__module__", None) == module.__name__
                least = 1 if name in exported else 2
                if (is_own or name in exported) and len(array_names(function)) >= least:
                    functions[f"{name}.{member}".rstrip(".")] = function
    return functions


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
