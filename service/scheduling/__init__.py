"""Admission control: which CPU work of requests runs next, and which is refused."""

from service.scheduling.scheduler import QueueCounts, Scheduler, SlotQueue
from service.scheduling.work import Work, charge_work, current_work, disconnection

__all__ = [
    "QueueCounts",
    "Scheduler",
    "SlotQueue",
    "Work",
    "charge_work",
    "current_work",
    "disconnection",
]
