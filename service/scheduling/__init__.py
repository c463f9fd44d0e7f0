"""Admission control: which CPU work of requests runs next, and which is refused."""

from service.scheduling.scheduler import QueueCounts, Scheduler
from service.scheduling.work import Work, charge_work, current_work, disconnection

__all__ = [
    "QueueCounts",
    "Scheduler",
    "Work",
    "charge_work",
    "current_work",
    "disconnection",
]
