"""Markdown to a part of a page: headings with anchors, tables that scroll, links that stay on the site."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

OUTWARD = re.compile(r"^(?:https?:|mailto:|/|#)")


@dataclass(frozen=True)
class Heading:
    """A heading of a text.

    Parameters
    ----------
    level
        2 for a part, 3 for a part of one …
    anchor
        Its name in an address.
    text
        What it says.
    """

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """A text as a page shows it.

    Parameters
    ----------
    title
        Its first heading.
    summary
        Its first paragraph, without marks.
    body
        The rest.
    headings
        Those of the body, in order.
    """

    title: str
    summary: str
    body: Markup
    headings: tuple[Heading, ...]


def render(text: str, address: Callable[[str], str | None]) -> Rendered:
    r"""Render a text.

    Parameters
    ----------
    text
        Markdown (CommonMark with tables), which begins with a heading of the first level.
    address
        Function of a relative link or the place of a picture that gives its address on the site; None if the site does
        not have it: then only the words are shown.

    Examples
    --------
    >>> found = render("# Flows\n\nWho *moved*.\n\n## By hour\n\n`x` in [a](a.md)", lambda link: "/docs/a")
    >>> found.title, found.summary, found.headings
    ('Flows', 'Who moved.', (Heading(level=2, anchor='by-hour', text='By hour'),))
    >>> print(found.body)
    <p>Who <em>moved</em>.</p>
    <h2 id="by-hour">By hour</h2>
    <p><code>x</code> in <a href="/docs/a">a</a></p>
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    title = tokens[1].content if tokens and tokens[0].tag == "h1" else ""
    tokens = tokens[3:] if title else tokens
    summary = next((_words(token) for token in tokens if token.type == "inline"), "")
    headings = tuple(_anchored(tokens))
    body = list(_suited(tokens, address))
    return Rendered(_plain(title), summary, Markup(parser.renderer.render(body, parser.options, {})), headings)


def slug(text: str) -> str:
    """Give the anchor of a heading, as the usual viewers make it.

    Examples
    --------
    >>> slug("In, out and `net`: by area"), slug("Gravity (singly)")
    ('in-out-and-net-by-area', 'gravity-singly')
    """
    return re.sub(r"[^\w\- ]", "", _plain(text).lower()).strip().replace(" ", "-")


def _plain(text: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("*", "")


def _words(token: Token) -> str:
    said = (" " if one.type in ("softbreak", "hardbreak") else one.content for one in token.children or ())
    return "".join(said).strip()


def _anchored(tokens: Sequence[Token]) -> Iterator[Heading]:
    """Give each heading its anchor; of several that are the same all but the first get a number."""
    seen: dict[str, int] = {}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            anchor = slug(inline.content)
            again = seen[anchor] = seen.get(anchor, -1) + 1
            anchor = f"{anchor}-{again}" if again else anchor
            opening.attrSet("id", anchor)
            yield Heading(int(opening.tag[1]), anchor, _words(inline))


def _suited(tokens: Sequence[Token], address: Callable[[str], str | None]) -> Iterator[Token]:
    """Suit tokens to the site: no style in markup, wide parts scroll by themselves, links lead to its own pages."""
    empty = {place for place, token in enumerate(tokens) if token.type == "inline" and not token.content}
    for place, token in enumerate(tokens):
        if token.type in ("th_open", "th_close") and {place - 1, place + 1} & empty:
            token.tag = "td"  # a head that says nothing is none
        match token.type:
            case "table_open":
                opening = Token("div_open", "div", 1, block=True)
                opening.attrs = {"class": "scroll", "tabindex": "0"}
                yield opening
                yield token
            case "table_close":
                yield token
                yield Token("div_close", "div", -1, block=True)
            case "fence" | "code_block":
                yield Token("pre_open", "pre", 1, attrs={"tabindex": "0"})
                yield Token("text", "", 0, content=token.content)
                yield Token("pre_close", "pre", -1, block=True)
            case "inline":
                token.children = list(_linked(token.children or (), address))
                yield token
            case "html_block":
                continue
            case _:
                if "right" in str(token.attrs.pop("style", "")):
                    token.attrs["class"] = "number"
                yield token


def _linked(tokens: Sequence[Token], address: Callable[[str], str | None]) -> Iterator[Token]:
    dropped = False
    for token in tokens:
        if token.type == "link_open":
            to = str(token.attrs["href"])
            there = to if OUTWARD.match(to) else address(to)
            dropped = there is None
            if there is not None:
                token.attrs["href"] = there
                yield token
        elif token.type == "link_close":
            if not dropped:
                yield token
            dropped = False
        elif token.type == "image":
            there = address(str(token.attrs["src"]))
            if there is not None:
                token.attrs |= {"src": there, "loading": "lazy"}
                yield token
        else:
            yield token
