"""Train, trace, fit and draw a linear recurrent network, with the service linear-rnn.

from linear_rnn import Client, Adam
rnn = Client()
run = rnn.train(optimizer=Adam(), initial_weights=(-1.5, 2))
run.plot()

The types of requests, of options and of parts of results are in `linear_rnn.types`.
"""

from importlib.util import find_spec

if find_spec("linear_rnn._models") is None:
    raise ImportError("linear_rnn: built modules are missing; run `make build` in the repository")

from linear_rnn._async.client import AsyncClient
from linear_rnn._async.pictures import AsyncPicture
from linear_rnn._async.results import (
    AsyncBasinMap,
    AsyncCollection,
    AsyncDataset,
    AsyncDiagnostics,
    AsyncEvaluations,
    AsyncFit,
    AsyncFitTable,
    AsyncGradientCheck,
    AsyncOptimum,
    AsyncPlans,
    AsyncPrediction,
    AsyncRun,
    AsyncSurface,
    AsyncTrace,
)
from linear_rnn._errors import (
    Busy,
    Conflict,
    ConnectFailed,
    Disconnected,
    FieldError,
    InvalidRequest,
    JobCancelled,
    JobFailed,
    LinearRNNError,
    NotFound,
    RateLimited,
    StatusError,
    TimedOut,
)
from linear_rnn._finished import NoResult
from linear_rnn._inputs import Window
from linear_rnn._models import (
    Adam,
    GradientDescent,
    IrpropMinus,
    LevenbergMarquardt,
    Momentum,
    Rmsprop,
    Rprop,
)
from linear_rnn._sync.client import Client
from linear_rnn._sync.pictures import Picture
from linear_rnn._sync.results import (
    BasinMap,
    Collection,
    Dataset,
    Diagnostics,
    Evaluations,
    Fit,
    FitTable,
    Forecast,
    GradientCheck,
    Optimum,
    Plans,
    Prediction,
    Run,
    Surface,
    Trace,
)
from linear_rnn._tables import Rows
from linear_rnn._version import __version__

__all__ = [
    "Adam",
    "AsyncBasinMap",
    "AsyncClient",
    "AsyncCollection",
    "AsyncDataset",
    "AsyncDiagnostics",
    "AsyncEvaluations",
    "AsyncFit",
    "AsyncFitTable",
    "AsyncGradientCheck",
    "AsyncOptimum",
    "AsyncPicture",
    "AsyncPlans",
    "AsyncPrediction",
    "AsyncRun",
    "AsyncSurface",
    "AsyncTrace",
    "BasinMap",
    "Busy",
    "Client",
    "Collection",
    "Conflict",
    "ConnectFailed",
    "Dataset",
    "Diagnostics",
    "Disconnected",
    "Evaluations",
    "FieldError",
    "Fit",
    "FitTable",
    "Forecast",
    "GradientCheck",
    "GradientDescent",
    "InvalidRequest",
    "IrpropMinus",
    "JobCancelled",
    "JobFailed",
    "LevenbergMarquardt",
    "LinearRNNError",
    "Momentum",
    "NoResult",
    "NotFound",
    "Optimum",
    "Picture",
    "Plans",
    "Prediction",
    "RateLimited",
    "Rmsprop",
    "Rows",
    "Rprop",
    "Run",
    "StatusError",
    "Surface",
    "TimedOut",
    "Trace",
    "Window",
    "__version__",
]
