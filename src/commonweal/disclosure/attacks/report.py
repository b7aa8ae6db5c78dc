"""The attack report: what every attack found, plain words first, and whether the release must stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from commonweal.core.errors import Damaged
from commonweal.core.wording import Wording
from commonweal.disclosure.attacks.differencing import Differencing
from commonweal.disclosure.attacks.membership import Membership
from commonweal.disclosure.attacks.reconstruction import Reconstruction
from commonweal.disclosure.attacks.trajectories import Trajectories
from commonweal.disclosure.attacks.uniqueness import Uniqueness

Finding = Reconstruction | Differencing | Membership | Uniqueness | Trajectories

ATTACKS: dict[str, type[Finding]] = {
    "reconstruction": Reconstruction,
    "differencing": Differencing,
    "membership": Membership,
    "uniqueness": Uniqueness,
    "trajectories": Trajectories,
}
"""Every attack, in the order in which a report tells them."""

TITLES = {
    "reconstruction": Wording("Working out hidden numbers"),
    "differencing": Wording("Subtracting numbers from one another"),
    "membership": Wording("Telling whether a person is counted"),
    "uniqueness": Wording("How unique people are in the records"),
    "trajectories": Wording("Putting people's ways together"),
}
NUMBERS = {
    "hidden": Wording("Hidden numbers"),
    "recovered": Wording("Recovered"),
    "narrowest": Wording("Narrowest interval"),
    "formed": Wording("Differences formed"),
    "same_cell": Wording("Small differences of one cell in two releases"),
    "whole_part": Wording("Small differences of a whole and a part"),
    "rest": Wording("Small rests of a sum"),
    "overlap": Wording("Small overlaps of parts"),
    "threshold": Wording("Threshold"),
    "releases": Wording("Releases compared"),
    "auc": Wording("Area under the curve (0.5 is guessing)"),
    "standard_error": Wording("Its standard error"),
    "members": Wording("People counted who were tried"),
    "others": Wording("People not counted who were tried"),
    "people": Wording("People"),
    "from_2": Wording("Unique from 2 points"),
    "from_4": Wording("Unique from 4 points"),
    "chance": Wording("By chance"),
    "periods": Wording("Periods"),
}


@dataclass(frozen=True)
class Attacked:
    """One attack on one dataset.

    Parameters
    ----------
    dataset
        What was attacked, such as ``mobility.presence``; the records themselves if it is empty.
    finding
        What was found.
    """

    dataset: str
    finding: Finding

    @property
    def attack(self) -> str:
        """The attack's name."""
        return next(name for name, kind in ATTACKS.items() if type(self.finding) is kind)

    @property
    def title(self) -> str:
        """What the attack tries, for people."""
        return TITLES[self.attack]

    @property
    def numbers(self) -> list[tuple[str, Any]]:
        """Each number with its name for people; cells are not among them, since they name the weak places."""
        return [
            (NUMBERS[field.name], getattr(self.finding, field.name))
            for field in fields(self.finding)
            if field.name in NUMBERS
        ]


@dataclass(frozen=True)
class AttackReport:
    """What all attacks on a release found.

    Parameters
    ----------
    attacked
        Each attack with its finding.

    Examples
    --------
    >>> report = AttackReport((Attacked("demo.home", Reconstruction(12, 0, 15)),))
    >>> report.refused, AttackReport.parsed(report.record()) == report
    (False, True)
    >>> print(report.said)
    The attacks that were tried bring nobody to light, but not all of them were tried.
    """

    attacked: tuple[Attacked, ...]

    @property
    def refused(self) -> bool:
        """Whether the release must stay: reconstruction or differencing found something."""
        return any(one.finding.dangerous for one in self.attacked)

    @property
    def untried(self) -> set[str]:
        """Which of the attacks were not tried that could have refused the release."""
        return {"reconstruction", "differencing"} - {one.attack for one in self.attacked}

    @property
    def said(self) -> str:
        """The verdict, in plain words."""
        if self.refused:
            return Wording("These numbers must not be published: an attack brings a person or a small group to light.")
        if self.untried:
            return Wording("The attacks that were tried bring nobody to light, but not all of them were tried.")
        if any(isinstance(one.finding, Membership) and one.finding.learned for one in self.attacked):
            return Wording(
                "No attack brings a person or a small group to light, but someone who knows where a person was can "
                "often tell whether the person is counted."
            )
        return Wording("None of the attacks brings a person or a small group to light.")

    def of(self, attack: str) -> list[Attacked]:
        """Give the findings of one attack."""
        return [one for one in self.attacked if one.attack == attack]

    def record(self) -> dict[str, Any]:
        """Give the report as JSON values: its verdict and sentences in English, and every number."""
        return {
            "refused": self.refused,
            "said": str(self.said),
            "attacks": [
                {
                    "attack": one.attack,
                    "dataset": one.dataset,
                    "said": str(one.finding.said),
                    "numbers": {
                        name: list(value) if isinstance(value, tuple) else value
                        for name, value in asdict(one.finding).items()
                    },
                }
                for one in self.attacked
            ],
        }

    @classmethod
    def parsed(cls, record: Mapping[str, Any]) -> AttackReport:
        """Take up a report from its record; sentences and verdict are made from the numbers again.

        Raises
        ------
        Damaged
            If it is not such a record.
        """
        try:
            return cls(tuple(_parsed(entry) for entry in record["attacks"]))
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged("the attack report cannot be read", expected="the record that was made of it") from error


def _parsed(entry: Mapping[str, Any]) -> Attacked:
    numbers: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in entry["numbers"].items()
    }
    for value in numbers.values():
        if not all(
            one is None or type(one) in (int, float) for one in (value if isinstance(value, tuple) else (value,))
        ):
            raise TypeError("a number is none")
    return Attacked(str(entry["dataset"]), ATTACKS[entry["attack"]](**numbers))
