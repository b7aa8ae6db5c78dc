"""The HTTP server: it ends when it is told to, though some of its answers would not end by themselves."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable

import uvicorn


class HttpServer(uvicorn.Server):
    """Uvicorn, that says when it begins to end, and ends alike whether Ctrl-C or SIGTERM asks for it.

    Parameters
    ----------
    config
        As Uvicorn has it.
    ending
        Called when no more requests are taken and those that are answered are waited for: to end what else would not.
    """

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop.

        Raises
        ------
        KeyboardInterrupt
            By Ctrl-C or SIGTERM, after the last answer: so that whoever serves can put things in order.
        """
        # Uvicorn raises the signal again when it has ended, and the default of this one would end the process there.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        super().run(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, after the answers that are on their way."""
        self._ending()
        await super().shutdown(sockets)
