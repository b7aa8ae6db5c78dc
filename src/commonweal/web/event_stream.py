"""Server-sent events: an answer that goes on while something changes, and that ends by itself.

``text/event-stream``, as the HTML standard has it (section 9.2): a browser's ``EventSource`` reads it, and asks again
when it was cut off. A stream takes a place of its process, which has only so many; whoever gets none asks for the data
now and then instead.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

import anyio
from anyio.to_thread import run_sync
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from commonweal.core.errors import CommonwealError, Unavailable
from commonweal.core.wording import Wording

MOST = 50  # streams at a time
LOOK = 1.0  # seconds between looks
BEAT = 10.0  # seconds of silence after which a sign of life is sent
LONGEST = 600.0  # seconds after which a stream ends, and a reader that wants more asks again
RETRY = 3000  # milliseconds after which a reader asks again


@dataclass(frozen=True)
class News:
    """What has changed.

    Parameters
    ----------
    data
        As it is now, as JSON values.
    number
        What a reader that was cut off says that it has seen (``Last-Event-ID``).
    is_last
        Whether nothing will change any more.
    """

    data: Mapping[str, Any]
    number: int
    is_last: bool = False


class Streams:
    """The places that one process has for streams.

    Parameters
    ----------
    most
        How many.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._open: set[anyio.Event] = set()

    def __len__(self) -> int:
        """How many are taken."""
        return len(self._open)

    @contextmanager
    def taken(self) -> Iterator[anyio.Event]:
        """Take a place; give what is set when the stream is to end.

        Raises
        ------
        Unavailable
            All are taken.
        """
        if len(self._open) >= self.most:
            raise Unavailable(
                Wording("too many readers follow something at this moment"),
                expected=Wording("the same address with .json, now and then"),
            )
        closing = anyio.Event()
        self._open.add(closing)
        try:
            yield closing
        finally:
            self._open.discard(closing)

    def close(self) -> None:
        """End all streams, since the server ends; only from the thread that they run in."""
        for closing in self._open:
            closing.set()


class EventStream(StreamingResponse):
    """Tell what changes, in events ``progress``, and ``end`` when nothing will any more.

    Parameters
    ----------
    streams
        Where it takes a place.
    look
        Called every second, in a thread: gives news, or None. Its first call gives some. If it raises an error of the
        house or the database, such as that whoever reads may no longer, the stream ends; asking again tells why.
    """

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, look: Callable[[], News | None]) -> None:
        # Neither kept by anyone nor held back by a proxy until there is more of it.
        super().__init__((), headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        self._streams, self._look = streams, look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, until it ends, the reader leaves or the server stops."""
        with self._streams.taken() as closing:
            self.body_iterator = self._events(closing)
            await super().__call__(scope, receive, send)

    async def _events(self, closing: anyio.Event) -> AsyncIterator[bytes]:
        yield f"retry: {RETRY}\n\n".encode()
        begun = said = monotonic()
        while not closing.is_set() and monotonic() - begun < LONGEST:
            try:
                news = await run_sync(self._look)
            except (CommonwealError, SQLAlchemyError):
                return
            if news is not None:
                yield _progress(news)
                said = monotonic()
                if news.is_last:
                    yield b"event: end\ndata: {}\n\n"
                    return
            elif monotonic() - said >= BEAT:
                # An event and not a comment, so that a reader notices when they stop.
                yield b"event: beat\ndata: {}\n\n"
                said = monotonic()
            with anyio.move_on_after(LOOK):
                await closing.wait()


def _progress(news: News) -> bytes:
    data = json.dumps(news.data, ensure_ascii=False, separators=(",", ":"))  # one line, whatever is in it
    return f"event: progress\nid: {news.number}\ndata: {data}\n\n".encode()
