"""Work for tests alone, of a room `trial`: jobs that take a known time, wait, fail or crash.

Run as a program it is `commonweal` with this room too, and with the pseudo-language.
"""

import os
import signal
import time

from commonweal import domains
from commonweal.core.domain import Domain
from commonweal.core.errors import Refused
from commonweal.core.jobs import Running

KINDS = ("steps", "wait", "refuse", "crash")
ROOM = Domain(
    name="trial",
    title="Trial",
    summary="Work for tests.",
    jobs={f"trial.{kind}": f"trial_work:{kind}" for kind in KINDS},
    job_titles={"trial.steps": "Steps"},
)


def steps(job: Running) -> dict[str, int]:
    """Go so many steps, saying each."""
    for step in range(job.state.get("next", 0), job.parameters["steps"]):
        job.progress(step, job.parameters["steps"], "walking")
        job.log(f"step {step + 1}")
        job.save({"next": step + 1})
        time.sleep(job.parameters.get("pause", 0.2))
    return {"steps": job.parameters["steps"]}


def wait(job: Running) -> None:
    """Wait until told to stop."""
    job.log("waiting for better times")
    while True:
        job.check()
        time.sleep(0.02)


def refuse(job: Running) -> None:
    """Fail as a rule makes it."""
    raise Refused("fewer than 15 people stand behind it", where="row 7", expected="a larger area")


def crash(job: Running) -> None:
    """Be killed the first time, and end well the second."""
    if not job.state:
        job.save({"crashed": True})
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    import pseudo_language

    from commonweal.web import languages

    domains.ROOMS = (*domains.ROOMS, ROOM)
    languages.OFFERED[pseudo_language.CODE] = pseudo_language.PSEUDO

    from commonweal.cli import main

    main()
