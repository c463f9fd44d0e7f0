"""Train, trace, fit and draw a linear recurrent network, with the service linear-rnn.

from linear_rnn import Client, Adam
rnn = Client()
run = rnn.train(optimizer=Adam(), initial_weights=(-1.5, 2))
run.plot()
"""

from linear_rnn._async.client import AsyncClient
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
from linear_rnn._version import __version__

__all__ = [
    "Adam",
    "AsyncClient",
    "Busy",
    "Client",
    "Conflict",
    "ConnectFailed",
    "Disconnected",
    "FieldError",
    "GradientDescent",
    "InvalidRequest",
    "IrpropMinus",
    "JobCancelled",
    "JobFailed",
    "LevenbergMarquardt",
    "LinearRNNError",
    "Momentum",
    "NotFound",
    "RateLimited",
    "Rmsprop",
    "Rprop",
    "StatusError",
    "TimedOut",
    "Window",
    "__version__",
]
