"""The types of requests, of options, and of parts of results."""

from linear_rnn._async.pictures import PictureOptions
from linear_rnn._inputs import DatasetLike, NetworkLike, OptimizerLike, TableLike, WeightsLike
from linear_rnn._models import *  # noqa: F403 - whose names are those of the API
from linear_rnn._requests import *  # noqa: F403

__all__ = [
    "DatasetLike",
    "NetworkLike",
    "OptimizerLike",
    "PictureOptions",
    "TableLike",
    "WeightsLike",
]
