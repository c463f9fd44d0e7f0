"""Fits whose results print as text."""

from collections.abc import Callable

from service.engine.data import Series
from service.engine.fit import answer
from service.engine.fit.model import FitOptions
from service.engine.fit.words.summary import summarize

DEFAULT = FitOptions()


class ResultInWords(answer.Result):
    """A result that prints as the headline and the sentences of its summary."""

    def __str__(self) -> str:
        """Return the summary, with times in units of the step of the series."""
        return str(summarize(self, self.problem.record.step))


def fit(
    series: Series, options: FitOptions = DEFAULT, after_search: Callable[[], None] = lambda: None
) -> ResultInWords:
    """Fit the recurrence of `answer.fit`, with a result that prints as text.

    Parameters
    ----------
    series
        The data, with at least as many targets as unknowns.
    options
        The unknowns, and the range of w_rec.
    after_search
        Called after the search over w_rec with each delay.

    Returns
    -------
    ResultInWords
        Its properties, and the verdict that it prints, are computed when first used.

    Raises
    ------
    ValueError
        There are fewer targets than unknowns.
    Unsettled
        The sizes of proportional errors do not settle.
    """
    result = answer.fit(series, options, after_search)
    return ResultInWords(result.solution, result.delays)
