"""The HTTP peer: the service's question on FastAPI as anybody would write it, lists of floats."""

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


class Question(BaseModel):
    """What to predict."""

    model_config = ConfigDict(extra="forbid")

    model: Model = Model()
    inputs: list[list[float]]
    return_states: bool = False


class Used(BaseModel):
    """What was used."""

    w_in: float
    w_rec: float
    initial_state: float
    activation: str


class Answer(BaseModel):
    """The outputs."""

    outputs: list[float | None]
    states: list[list[float | None]] | None
    n_overflowed: int
    model: Used


def answered(question: Question, outputs: list[float | None]) -> Answer:
    """Return outputs in the service's form."""
    used = Used(**question.model.model_dump(exclude={"kind"}))
    return Answer(outputs=outputs, states=None, n_overflowed=0, model=used)


@app.post("/bare")
async def bare(question: Question) -> Answer:
    """Answer without computing anything but a sum, right for the note's test sequence."""
    return answered(question, [sum(sequence) for sequence in question.inputs])


@app.post("/lists")
async def lists(question: Question) -> Answer:
    """Answer by the same computation as the service."""
    model = question.model
    network = Network(model.activation, model.initial_state)
    states = forward_states(np.array(question.inputs), model.w_in, model.w_rec, network)
    return answered(question, states[:, -1].tolist())
