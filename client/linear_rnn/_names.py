"""Misspelt keywords: a TypeError with the closest keyword."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

C = TypeVar("C", bound=type)


def suggest_keywords(cls: C) -> C:
    """Add a check of keywords to every public method and the constructor of a class."""
    for name, member in list(vars(cls).items()):
        if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_")):
            setattr(cls, name, _checked(member, cls.__name__ if name == "__init__" else name))
    return cls


def _checked(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a function that checks its keywords, with those of a typed dictionary in its help."""
    signature = inspect.signature(function)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind is not parameter.VAR_KEYWORD:
            parameters.append(parameter)
        elif parameter.annotation is Any:  # keywords of another method, which checks them
            return function
        else:  # Unpack[TypedDict]
            fields = parameter.annotation.__args__[0].__annotations__.items()
            parameters += [
                inspect.Parameter(key, parameter.KEYWORD_ONLY, default=None, annotation=kind)
                for key, kind in fields
            ]
    known = [parameter.name for parameter in parameters[1:]]

    @functools.wraps(function)
    def call(*positional: Any, **keywords: Any) -> Any:
        check_keywords(name, keywords, known)
        return function(*positional, **keywords)

    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def check_keywords(name: str, keywords: Iterable[str], known: Collection[str]) -> None:
    """Raise TypeError for an unknown keyword."""
    for keyword in keywords:
        if keyword not in known:
            nearest = get_close_matches(keyword, known, 1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
            raise TypeError(f"{name}() has no keyword {keyword!r}; {hint}")
