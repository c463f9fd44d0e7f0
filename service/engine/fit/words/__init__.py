"""A fit in words: sentences about a result, its findings and its level, with units."""

from service.engine.fit.words.findings import (
    Accepts,
    accept_all,
    describe_finding,
    list_alternatives,
)
from service.engine.fit.words.printing import ResultInWords, fit
from service.engine.fit.words.quantities import (
    format_ranges,
    format_time,
    format_value,
    format_weight,
)
from service.engine.fit.words.shown_fit import Level
from service.engine.fit.words.states import find_time, list_inputs, sort_states
from service.engine.fit.words.summary import Summary, count_needed, summarize
from service.engine.fit.words.texts import TEXTS, Topic

__all__ = [
    "TEXTS",
    "Accepts",
    "Level",
    "ResultInWords",
    "Summary",
    "Topic",
    "accept_all",
    "count_needed",
    "describe_finding",
    "find_time",
    "fit",
    "format_ranges",
    "format_time",
    "format_value",
    "format_weight",
    "list_alternatives",
    "list_inputs",
    "sort_states",
    "summarize",
]
