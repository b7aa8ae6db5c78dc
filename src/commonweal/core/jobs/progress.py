"""Showing how far a job is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from commonweal.core.jobs.launch import Progress

QUIET = 10.0  # seconds without a line before one is printed though little has changed
STEP = 0.1  # share of the whole that is worth a line


@contextmanager
def follow(title: str, file: TextIO | None = None) -> Iterator[Callable[[Progress], None]]:
    """Give what `run_now` takes as `on_progress`, and draw what it is told.

    Parameters
    ----------
    title
        What the user asked for, such as ``"Importing"``.
    file
        Where to draw; standard error by default, so that standard output stays the command's result.

    Examples
    --------
    >>> with follow("Importing", sys.stdout) as on_progress:
    ...     on_progress(Progress(1, "running", 1, 4, "reading", 1, ("calls.csv: 12 rejected",)))
    Importing: calls.csv: 12 rejected
    Importing: reading 25 %
    """
    file = file or sys.stderr
    if file.isatty():
        with _bar(title, file) as show:
            yield show
    else:
        yield _Lines(title, file)


@contextmanager
def _bar(title: str, file: TextIO) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(file=file), transient=True) as bars:
        task = bars.add_task(title, total=None)

        def show(progress: Progress) -> None:
            for line in progress.lines:
                bars.console.print(escape(line), highlight=False)
            step = f"{title}: {progress.what}" if progress.what else title
            bars.update(task, description=escape(step), total=progress.total or None, completed=progress.done)

        yield show


class _Lines:
    def __init__(self, title: str, file: TextIO) -> None:
        self._title = title
        self._file = file
        self._shown: tuple[str, float] = ("", 0.0)
        self._at = 0.0

    def __call__(self, progress: Progress) -> None:
        for line in progress.lines:
            self._print(line)
        share = progress.done / progress.total if progress.total else 0.0
        what, before = self._shown
        quiet = time.monotonic() - self._at > QUIET and (progress.done or progress.what)
        if progress.what != what or share >= before + STEP or (share == 1.0 != before) or quiet:
            self._print(f"{progress.what} {100 * share:.0f} %".strip() if progress.total else progress.what)
            self._shown, self._at = (progress.what, share), time.monotonic()

    def _print(self, text: str) -> None:
        print(f"{self._title}: {text}", file=self._file, flush=True)
