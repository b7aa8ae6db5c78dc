"""What proving a log finds: nothing, or what is not as it was written."""

from __future__ import annotations

from dataclasses import dataclass

from commonweal.core.errors import Damaged
from commonweal.core.heads import Head

FINDINGS_KEPT = 100


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written.

    Parameters
    ----------
    sequence
        The entry, or the first of several; None where no entry is concerned.
    what
        What was found, as a sentence.
    """

    sequence: int | None
    what: str


@dataclass(frozen=True)
class Report:
    """What was found in a log that is chained by hashes.

    Parameters
    ----------
    log
        What people call it.
    page
        The page of the documentation that tells what to do.
    entries
        Number of entries read.
    head
        Where the key directory says the log ends, after it was brought up to date; None if it cannot be read.
    findings
        The first hundred findings, in order.
    found
        Number of all findings.
    """

    log: str
    page: str
    entries: int
    head: Head | None
    findings: tuple[Finding, ...]
    found: int

    def refuse_damage(self) -> None:
        """Do nothing if all is well.

        Raises
        ------
        Damaged
            With the first finding and the number of all.
        """
        if self.found:
            more = f" and {self.found - 1} more findings" if self.found > 1 else ""
            raise Damaged(
                f"{self.findings[0].what}{more}", where=self.log, expected=f"an unbroken chain; see {self.page}"
            )
