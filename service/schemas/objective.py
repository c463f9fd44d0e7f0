"""What most requests have: a dataset and a network, which together determine the cost."""

from typing import Annotated

from pydantic import Field

from service.schemas.base import RequestModel
from service.schemas.common import NetworkSchema
from service.schemas.datasets import CountOnesDataset, DatasetSource


class ObjectiveRequest(RequestModel):
    """A request about the cost of a network over a dataset."""

    dataset: DatasetSource = CountOnesDataset()
    network: Annotated[
        NetworkSchema, Field(description="The activation and the initial state.")
    ] = NetworkSchema()
