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
    known: list[str] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:  # Unpack[TypedDict]
            if parameter.annotation is Any:  # keywords of another method, which checks them
                return function
            known += parameter.annotation.__args__[0].__annotations__
        else:
            known.append(parameter.name)

    @functools.wraps(function)
    def call(*positional: Any, **keywords: Any) -> Any:
        check_keywords(name, keywords, known)
        return function(*positional, **keywords)

    return call


def check_keywords(name: str, keywords: Iterable[str], known: Collection[str]) -> None:
    """Raise TypeError for an unknown keyword."""
    for keyword in keywords:
        if keyword not in known:
            nearest = get_close_matches(keyword, known, 1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"known: {', '.join(known)}"
            raise TypeError(f"{name}() has no keyword {keyword!r}; {hint}")
