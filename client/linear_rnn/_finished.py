"""Fields of a computation that it has when it has succeeded."""

from typing import Any

from linear_rnn._errors import LinearRNNError


class NoResult(LinearRNNError, AttributeError):
    """A field of a computation that has not succeeded, or has no such result."""


class _Finished:
    """A field of a dataclass, which is set to None without a result."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return None  # the default of the dataclass
        value = vars(instance)[self._name]
        if value is not None:
            return value
        reason = f"it is {instance.status}; see `wait`"
        if instance.status == "succeeded":
            reason = "it has several, in `states`, or is a result of another version of the service"
        if not instance.request.get("verdict", True):
            reason = f"{reason}, or was requested without, by `verdict=False`"
        raise NoResult(f"{instance.id} has no {self._name}: {reason}")

    def __set__(self, instance: Any, value: Any) -> None:
        vars(instance)[self._name] = value


def finished() -> Any:
    """Return the default of a field that is never None when the computation has succeeded."""
    return _Finished()
