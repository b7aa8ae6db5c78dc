"""Whether a worker process is still there, told apart from a later one with the same number."""

from __future__ import annotations

import ctypes
import os
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Process:
    """One process on one machine since one start.

    Parameters
    ----------
    machine
        The kernel's boot and the process-number space (a container has its own); empty where the system tells
        neither.
    number
        The process's number.
    started
        When it started, in clock ticks since boot; 0 where the system does not tell.
    """

    machine: str
    number: int
    started: int


def this_process() -> Process:
    """Describe the running process."""
    number = os.getpid()
    status = _status(number)
    return Process(_machine(), number, status[1] if status else 0)


def is_gone(process: Process) -> bool | None:
    """Say whether a process has ended.

    Returns
    -------
    bool | None
        None if that cannot be known from here: it ran on another machine, or the system does not tell. Then only
        its lease says how long to wait for it.

    Examples
    --------
    >>> is_gone(this_process())
    False
    >>> is_gone(Process("another machine", 1, 1)) is None
    True
    """
    if not process.machine or not process.started or process.machine != _machine():
        return None
    status = _status(process.number)
    if status:
        state, started = status
        return state in "ZXx" or started != process.started
    try:
        os.kill(process.number, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return None


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, so that it never works on beside a rerun.

    Parameters
    ----------
    parent
        Process number of the parent; if it has ended already, this process ends here.
    """
    # Where the C library has no prctl, the reporter's look at the parent's number does it within a moment.
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    end_without(parent)


def end_without(parent: int) -> None:
    """End this process at once, as if killed, when its parent is no longer there."""
    if os.getppid() != parent:
        os._exit(1)


@cache
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _status(number: int) -> tuple[str, int] | None:
    """Read a process's state letter and start time from the kernel (proc(5), fields 3 and 22)."""
    try:
        # The second field, the command, may itself hold spaces and parentheses.
        fields = Path(f"/proc/{number}/stat").read_text("latin-1").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])
