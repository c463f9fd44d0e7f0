"""The process of a worker: its signals, its log, and its end when its parent ends."""

import logging
import os
import signal
import sys
from types import FrameType
from typing import Final
from uuid import uuid4

from service.jobs.supervisor import LEFT
from service.jobs.worker import Worker, end_with_parent
from service.settings import Settings

NICENESS: Final = 10  # on one machine, answers come before jobs


def run(settings: Settings, supervised: str | None) -> None:
    """Do jobs until a signal comes.

    Parameters
    ----------
    supervised
        The name that `serve` gave this worker, whose standard input is then a pipe from there. A
        worker by itself draws a name.
    """
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s:     %(message)s", stream=sys.stderr
    )
    for noisy in ("alembic", "sqlalchemy", "dbos"):
        logging.getLogger(noisy).setLevel(logging.ERROR)

    def leave() -> None:
        """End in the middle of a step; the supervisor, or this very process, begins anew."""
        logging.shutdown()
        if supervised:
            os._exit(LEFT)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - as it was started

    worker = Worker(settings.store_url, supervised or uuid4().hex, leave)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    # Ctrl+C reaches the whole group: the parent then ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN if supervised else stop)
    if supervised:
        os.nice(NICENESS)
        end_with_parent(sys.stdin.fileno(), worker.stop)
    worker.run()
    logging.shutdown()
    # DBOS's threads would be waited for, which takes seconds; nothing is left for them to do.
    os._exit(0)
