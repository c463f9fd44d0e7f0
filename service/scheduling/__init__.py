"""Admission control: the order and the limits of the CPU work of requests."""

from service.scheduling.scheduler import QueueCounts, Scheduler, SlotQueue
from service.scheduling.work import (
    Budget,
    OverBudget,
    Work,
    admit_job,
    current_client,
    current_work,
    disconnection,
)

__all__ = [
    "Budget",
    "OverBudget",
    "QueueCounts",
    "Scheduler",
    "SlotQueue",
    "Work",
    "admit_job",
    "current_client",
    "current_work",
    "disconnection",
]
