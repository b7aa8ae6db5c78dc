"""Long lists, a page at a time: ``?page=2``, and where the pages beside it are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Query

from commonweal.core.errors import NotFound
from commonweal.core.wording import Wording

SIZE = 100
LAST = 1_000_000
Item = TypeVar("Item")

Number = Annotated[int, Query(alias="page", ge=1, le=LAST, description="Which page of the list, from 1.", examples=[1])]
"""The parameter that chooses a page: ``def list(request: Request, number: Number = 1)``."""


@dataclass(frozen=True)
class Page(Generic[Item]):
    """A page of a list.

    Parameters
    ----------
    items
        What stands on it.
    number
        1, 2, …
    is_last
        Whether there is nothing after it.
    query
        The other parameters of the list's address: what it was narrowed to.

    Examples
    --------
    >>> page = Page(["c", "d"], 2, False, {"who": "os:ada"})
    >>> page.previous, page.next
    ('?who=os:ada&page=1', '?who=os:ada&page=3')
    """

    items: Sequence[Item]
    number: int = 1
    is_last: bool = True
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def next(self) -> str | None:
        """The next page, as the query of the list's address; None if there is none."""
        return None if self.is_last else self._query(self.number + 1)

    @property
    def previous(self) -> str | None:
        """The page before; None if this is the first."""
        return None if self.number == 1 else self._query(self.number - 1)

    @property
    def here(self) -> Mapping[str, str]:
        """The parameters that show this page."""
        return {**self.query, "page": str(self.number)}

    def data(self, address: str) -> dict[str, Any]:
        """Give what a program needs to go on, as JSON values.

        Examples
        --------
        >>> Page(["a"], 1, False).data("/jobs.json")
        {'page': 1, 'previous': None, 'next': '/jobs.json?page=2'}
        """
        previous, after = self.previous, self.next
        return {
            "page": self.number,
            "previous": previous and f"{address}{previous}",
            "next": after and f"{address}{after}",
        }

    def links(self, address: str) -> str | None:
        """Give the header ``Link`` (RFC 8288) of an answer at that path; None if there are no other pages.

        Examples
        --------
        >>> Page(["b"], 2, False).links("/jobs")
        '</jobs?page=1>; rel="prev", </jobs?page=3>; rel="next"'
        """
        there = (("prev", self.previous), ("next", self.next))
        return ", ".join(f'<{address}{query}>; rel="{rel}"' for rel, query in there if query) or None

    def _query(self, number: int) -> str:
        return f"?{urlencode({**self.query, 'page': number}, safe=':')}"


def paged(
    read: Callable[[int, int], Sequence[Item]],
    number: int,
    query: Mapping[str, str | None] | None = None,
    size: int = SIZE,
) -> Page[Item]:
    """Read a page of a list, and one item more to know whether there is another page.

    Parameters
    ----------
    read
        Function of (how many items, after how many).
    number
        Which page, from 1.
    query
        The other parameters of the list's address; those without a value are left out. Where the list grows at its
        beginning, one of them should say up to which item it goes, so that pages do not move while somebody reads.
    size
        Items a page.

    Raises
    ------
    NotFound
        The list ends before that page.

    Examples
    --------
    >>> letters = "abcde"
    >>> page = paged(lambda count, skipped: letters[skipped : skipped + count], 3, size=2)
    >>> page.items, page.is_last
    ('e', True)
    """
    found = read(size + 1, (number - 1) * size)
    if not found and number > 1:
        raise NotFound(
            Wording("there is no page %(number)s", number=number),
            where="page",
            expected=Wording("a page of the list, from 1"),
        )
    kept = {name: value for name, value in (query or {}).items() if value}
    return Page(found[:size], number, len(found) <= size, kept)
