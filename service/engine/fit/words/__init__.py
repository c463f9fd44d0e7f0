"""A fit in words: its texts, and numbers with their units."""

from service.engine.fit.words.quantities import (
    Range,
    attach_unit,
    capitalize,
    format_p,
    format_ranges,
    format_time,
    format_value,
    format_weight,
    name_detected,
    split_unit,
)
from service.engine.fit.words.texts import TEXTS

__all__ = [
    "TEXTS",
    "Range",
    "attach_unit",
    "capitalize",
    "format_p",
    "format_ranges",
    "format_time",
    "format_value",
    "format_weight",
    "name_detected",
    "split_unit",
]
