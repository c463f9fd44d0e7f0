"""The workers of one `serve`: started with it, started again when they die, ended with it."""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from uuid import uuid4

from service.errors import ServiceError
from service.settings import Settings, usable_cores

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.1
GRACE_SECONDS: Final = 4.0
YOUNG_SECONDS: Final = 5.0  # a worker that dies before is started again only after a pause
LONGEST_PAUSE: Final = 30.0
LEFT: Final = 75  # the exit code of a worker that left a step nobody wants any more


@dataclass
class _Post:
    """A place for one worker, and who fills it."""

    name: str = ""
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    pause: float = 0.0
    due: float = field(default_factory=monotonic)


class Supervisor:
    """Keeps a number of worker processes alive.

    Each reads a pipe of which this process holds the other end: when this process ends, however
    it does, so do they.
    """

    def __init__(self, settings: Settings) -> None:
        n_workers = usable_cores() if settings.workers is None else settings.workers
        self._environment = os.environ | {
            "RNN_DATA_DIR": str(settings.data_dir),
            "RNN_LOG_LEVEL": settings.log_level,
        }
        self._posts = [_Post() for _ in range(n_workers)]
        self._ended: list[str] = []  # whose jobs are still to be given to others
        self._told: Callable[[str], object] | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the workers, and watch them."""
        for post in self._posts:
            self._fill(post)
        self._thread.start()

    @property
    def names(self) -> list[str]:
        """The names of the workers that live."""
        with self._lock:
            return [post.name for post in self._posts if post.process is not None]

    def on_death(self, tell: Callable[[str], object]) -> None:
        """Call ``tell`` with the name of every worker that dies, from now on and before."""
        self._told = tell

    def stop(self) -> list[str]:
        """End the workers: each gives its job back.

        Returns
        -------
        killed
            The names of those that did not end by themselves in time.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        running = [(post.name, post.process) for post in self._posts if post.process is not None]
        for _, process in running:
            process.terminate()
        deadline = monotonic() + GRACE_SECONDS
        killed = []
        for name, process in running:
            try:
                process.wait(max(0.0, deadline - monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                killed.append(name)
            if process.stdin is not None:
                process.stdin.close()
        return killed

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            for post in self._posts:
                if post.process is not None and post.process.poll() is not None:
                    self._mourn(post)
                if post.process is None and monotonic() >= post.due:
                    self._fill(post)
            self._tell()

    def _tell(self) -> None:
        """Tell of the dead; where the store is away they are told of again."""
        while self._ended and self._told is not None:
            try:
                self._told(self._ended[0])
            except ServiceError:
                return
            del self._ended[0]

    def _fill(self, post: _Post) -> None:
        name = uuid4().hex
        command = [sys.executable, "-m", "service", "worker", "--supervised", name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, env=self._environment)  # noqa: S603 - our own
        with self._lock:
            post.name, post.process, post.started = name, process, monotonic()

    def _mourn(self, post: _Post) -> None:
        code = None if post.process is None else post.process.returncode
        level = logging.INFO if code == LEFT else logging.WARNING
        logger.log(level, "a worker ended (exit code %s) and is started again", code)
        young = code != LEFT and monotonic() - post.started < YOUNG_SECONDS
        post.pause = min(LONGEST_PAUSE, max(0.5, 2 * post.pause)) if young else 0.0
        with self._lock:
            if post.process is not None and post.process.stdin is not None:
                post.process.stdin.close()
            self._ended.append(post.name)
            post.process, post.due = None, monotonic() + post.pause
