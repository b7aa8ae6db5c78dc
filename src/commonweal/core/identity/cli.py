"""`commonweal people`: who may do what and who looked at what, for whoever holds the data directory."""

from __future__ import annotations

from typing import Annotated

import typer

from commonweal.core.console import Home, opened, print_json, print_table

app = typer.Typer(help="Who may do what: people, roles, links, tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The name they sign in with.")]
RoleName = Annotated[str, typer.Argument(help="viewer, analyst, author, approver, steward or administrator.")]
InDomain = Annotated[str, typer.Option("--in", metavar="DOMAIN", help="Only in this domain, such as mobility.")]
ForArea = Annotated[str, typer.Option("--for", metavar="AREA", help="Only for this area set, or SET/CODE.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_people(as_json: AsJson = False) -> None:
    """List everyone who can sign in, and what they hold."""
    from commonweal.core.identity.people import people

    rows = [
        {
            "person": each.number,
            "name": each.name,
            "full name": each.full_name,
            "roles": [str(grant) for grant in each.grants],
            "signs in by": " and ".join(
                way for way, has in (("password", each.has_password), ("provider", each.single_sign_on)) if has
            ),
            "disabled": each.disabled and each.disabled.isoformat(timespec="seconds"),
        }
        for each in people(opened().database)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        list(rows[0]) if rows else ["nobody yet"],
        [[", ".join(value) if isinstance(value, list) else value for value in row.values()] for row in rows],
    )


@app.command("create")
def create(
    name: Name,
    full_name: Annotated[str, typer.Option("--full-name", help="What others see; the name itself if not given.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="A role for everything; may be given again.")] = None,
) -> None:
    """Make a person; print the link, good once, with which they set their password."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people
    from commonweal.core.identity.roles import parse_grant

    home = opened()
    grants = [parse_grant(each) for each in role or []]
    person, offered = people.create(home.database, name, full_name or name, grants, who())
    print(f"made person {person.number}, {person.name}, with {_roles(person.grants)}")
    _print_link(home, offered)


@app.command("grant")
def grant(name: Name, role: RoleName, domain: InDomain = "", area: ForArea = "") -> None:
    """Give a person a role, everywhere or in a domain or for an area."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people
    from commonweal.core.identity.roles import parse_grant

    person = people.give(opened().database, name, parse_grant(role, domain, area), who())
    print(f"{person.name} holds {_roles(person.grants)}")


@app.command("revoke")
def revoke(name: Name, role: RoleName, domain: InDomain = "", area: ForArea = "") -> None:
    """Take a role from a person, named as it was given."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people
    from commonweal.core.identity.roles import parse_grant

    person = people.take(opened().database, name, parse_grant(role, domain, area), who())
    print(f"{person.name} holds {_roles(person.grants)}")


@app.command("agree")
def agree(
    name: Name,
    dataset: Annotated[list[str], typer.Option(help="A dataset that may be read; may be given again.")],
    purpose: Annotated[str, typer.Option(help="What the data are read for, in one sentence.")],
    until: Annotated[str, typer.Option(metavar="DAY", help="Last day on which it holds.")],
    area: ForArea = "",
    level: Annotated[str, typer.Option(help="The finest level of areas; any if not given.")] = "",
    first_day: Annotated[str, typer.Option("--from", metavar="DAY", help="First day that may be read about.")] = "",
    last_day: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day that may be read about.")] = "",
) -> None:
    """Let a person read the releases that lie wholly within some terms, for one purpose and until a day."""
    from commonweal.core.audit import who
    from commonweal.core.identity import agreements

    terms = agreements.read_terms(
        dataset, purpose, until, area=area, level=level, first_day=first_day, last_day=last_day
    )
    given = agreements.give(opened().database, name, terms, who())
    print(f"agreement {given.number}: {given.name} may read {', '.join(terms.datasets)} until {terms.until}")


@app.command("agreements")
def list_agreements(
    name: Annotated[str, typer.Argument(help="Whose; everybody's if not given.")] = "", as_json: AsJson = False
) -> None:
    """List agreements with their terms, the newest first."""
    from commonweal.core.identity import agreements, people

    database = opened().database
    person = people.get(database, name).number if name else None
    rows = [
        {
            "agreement": each.number,
            "person": each.name,
            "purpose": each.terms.purpose,
            "datasets": ", ".join(each.terms.datasets),
            "for": each.terms.area,
            "level": each.terms.level,
            "from": each.terms.first_day and each.terms.first_day.isoformat(),
            "to": each.terms.last_day and each.terms.last_day.isoformat(),
            "until": each.terms.until.isoformat(),
            "withdrawn": each.withdrawn and each.withdrawn.isoformat(timespec="seconds"),
        }
        for each in agreements.agreements(database, person)
    ]
    print_json(rows) if as_json else print_table(
        list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows]
    )


@app.command("withdraw")
def withdraw(
    number: Annotated[int, typer.Argument(metavar="AGREEMENT", help="Its number.")],
    why: Annotated[str | None, typer.Option(help="The reason, for the audit log.")] = None,
) -> None:
    """End an agreement, at once and for ever."""
    from commonweal.core.audit import who
    from commonweal.core.identity import agreements

    print(f"agreement {agreements.withdraw(opened().database, number, who(), why).number} is withdrawn")


@app.command("looks")
def list_looks(
    name: Annotated[str, typer.Option("--person", help="Who looked; anybody if not given.")] = "",
    dataset: Annotated[str, typer.Option(help="At which dataset; any if not given.")] = "",
    count: Annotated[int, typer.Option("--last", min=1, help="How many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List who looked at data about people, the newest first."""
    from commonweal.core.identity.looks import Wanted, looks

    rows = [
        {
            "at": each.at.isoformat(timespec="seconds"),
            "who": each.name or "anyone",
            "dataset": each.dataset,
            "version": each.version,
            "form": each.form,
            "token": each.token,
            "purpose": each.purpose,
        }
        for each in looks(opened().database, Wanted(name=name, dataset=dataset), count)
    ]
    print_json(rows) if as_json else print_table(
        list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows]
    )


@app.command("disable")
def disable(name: Name, why: Annotated[str | None, typer.Option(help="The reason, for the audit log.")] = None) -> None:
    """Lock a person out at once: their sessions end, their tokens and links stop working."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people

    print(f"{people.disable(opened().database, name, who(), why).name} is locked out")


@app.command("enable")
def enable(name: Name) -> None:
    """Let a person in again."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people

    print(f"{people.enable(opened().database, name, who()).name} can sign in")


@app.command("link")
def link(name: Name) -> None:
    """Print a link, good once, with which a person sets a new password."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people

    home = opened()
    _print_link(home, people.offer_link(home.database, name, who()))


@app.command("token")
def token(
    name: Name,
    label: Annotated[str, typer.Option("--name", help="What will use it.")],
    permission: Annotated[list[str], typer.Option(help="What it may do: read, follow, run …; may be given again.")],
    days: Annotated[int, typer.Option(help="How long it works.")] = 90,
) -> None:
    """Make a token for a program that acts as a person; it is shown once."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people, tokens

    database = opened().database
    print(tokens.issue(database, people.get(database, name).number, label, permission, days, who()))


@app.command("tokens")
def list_tokens(name: Name, as_json: AsJson = False) -> None:
    """List a person's tokens, without their secrets."""
    from commonweal.core.identity import people, tokens

    database = opened().database
    rows = [
        {
            "token": each.number,
            "name": each.name,
            "permissions": ", ".join(each.permissions),
            "ends": each.ends.isoformat(timespec="seconds"),
            "used": each.used and each.used.isoformat(timespec="seconds"),
            "revoked": each.revoked and each.revoked.isoformat(timespec="seconds"),
        }
        for each in tokens.tokens_of(database, people.get(database, name).number)
    ]
    print_json(rows) if as_json else print_table(
        list(rows[0]) if rows else ["none"], [list(row.values()) for row in rows]
    )


@app.command("revoke-token")
def revoke_token(name: Name, number: Annotated[int, typer.Argument(metavar="TOKEN", help="Its number.")]) -> None:
    """Make a token stop working, at once and for ever."""
    from commonweal.core.audit import who
    from commonweal.core.identity import people, tokens

    database = opened().database
    tokens.revoke(database, people.get(database, name).number, number, who())
    print(f"token {number} no longer works")


def _roles(grants: tuple[object, ...]) -> str:
    return ", ".join(str(grant) for grant in grants) or "no role"


def _print_link(home: Home, offered: str) -> None:
    from commonweal.core.identity.links import LASTS

    hours = int(LASTS.total_seconds() // 3600)
    print(f"link, good once and for {hours} hours: {home.settings.address}/welcome/{offered}")
