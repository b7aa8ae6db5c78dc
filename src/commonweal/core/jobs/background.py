"""The queue worked off beside a server: by a thread of its process, each job in a process that ends with it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping

from commonweal.core.database import connect
from commonweal.core.errors import explain
from commonweal.core.jobs import launch
from commonweal.core.settings import Settings

AGAIN = 10.0  # seconds after which what went wrong is tried again

_log = logging.getLogger("commonweal.jobs")


class Background:
    """Run queued jobs, one after another, as long as this process lives.

    A job that crashes takes nothing with it, since it has a process of its own. If this process is killed, the kernel
    kills that one too; the job is then taken up again by whoever works next.

    Parameters
    ----------
    settings
        Where to work.
    registry
        Import string of each kind's handler.
    again
        Seconds after which it goes on when the database, or the system, would not let it work.
    """

    def __init__(self, settings: Settings, registry: Mapping[str, str], again: float = AGAIN) -> None:
        self._settings = settings
        self._registry = registry
        self._again = again
        self._stopping = threading.Event()
        # A daemon: whoever does not wait for `stop` is not held up by it.
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Have the job that runs stop at its next check and go back into the queue; do not wait for it."""
        self._stopping.set()

    def stop(self) -> None:
        """Ask to stop, and wait until it has: a job that does not stop by itself is killed after a while."""
        self.ask_to_stop()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        database = connect(self._settings)
        try:
            while not self._stopping.is_set():
                try:
                    launch.work(self._settings, database, self._registry, stopping=self._stopping)
                except Exception as error:
                    _log.warning("queued jobs are not run now: %s; again in %.0f s", explain(error), self._again)
                    self._stopping.wait(self._again)
        finally:
            database.close()
