"""The recurrent network: states, cost, backpropagation and gradient traces."""

from service.engine.network.activations import ACTIVATIONS, Activation
from service.engine.network.backward import (
    backpropagate,
    check_gradient,
    cost_and_gradient,
    curvatures,
)
from service.engine.network.extended_backward import extended_gradients
from service.engine.network.forward import (
    Network,
    final_outputs,
    forward_states,
    mean_squared_error,
    output_gradient,
)
from service.engine.network.traces import STEADY, Aggregation, Regime, Trace, trace_gradient

__all__ = [
    "ACTIVATIONS",
    "STEADY",
    "Activation",
    "Aggregation",
    "Network",
    "Regime",
    "Trace",
    "backpropagate",
    "check_gradient",
    "cost_and_gradient",
    "curvatures",
    "extended_gradients",
    "final_outputs",
    "forward_states",
    "mean_squared_error",
    "output_gradient",
    "trace_gradient",
]
