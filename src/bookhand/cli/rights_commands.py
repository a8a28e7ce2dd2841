"""Who may do what, at the command line: permissions, revoke now, budgets, standing approvals."""

from __future__ import annotations

from typing import Annotated

import typer

from bookhand.actions.rights.govern_workflow import StandingState, Terms
from bookhand.actions.rights.policy import Budget
from bookhand.cli import cards
from bookhand.cli.app import app, out
from bookhand.cli.desk import desk, given
from bookhand.core.money import EXPONENTS, parse_money
from bookhand.core.problems import Refusal

Pattern = Annotated[
    str,
    typer.Argument(help="An action (refunds.create), or a resource with :read or :write (customers:read)."),
]
To = Annotated[str, typer.Option("--to", help="Whom: * (everybody), person:3, agent:chat.")]
Where = Annotated[
    str | None, typer.Option("--connection", help="Only at this connection; without it at every one.")
]
Why = Annotated[str, typer.Option("--why", help="Why, for the trail.")]
Money = Annotated[str | None, typer.Option(help="An amount, as in 1500.00.")]
Currency = Annotated[str | None, typer.Option(help="The currency of the amounts, as in USD.")]
Count = Annotated[int | None, typer.Option(help="How many calls.", min=0)]

budget = typer.Typer(no_args_is_help=True, help="Limits a day: set and end them.")
standing = typer.Typer(no_args_is_help=True, help="Configurations that are approved once.")
app.add_typer(budget, name="budget")
app.add_typer(standing, name="standing")


# --- permissions ---


@app.command()
def permissions() -> None:
    """Who may do what."""
    with desk() as at:
        found = at.door.governing.permissions(at.caller)
    out.print(cards.permission_table(found))


@app.command()
def allow(pattern: Pattern, to: To = "*", connection: Where = None) -> None:
    """Allow an action from now on."""
    _permit(pattern, to, connection, allowed=True)


@app.command()
def forbid(pattern: Pattern, to: To = "*", connection: Where = None) -> None:
    """Forbid an action from now on; what is under way goes on (`revoke-now` stops it)."""
    _permit(pattern, to, connection, allowed=False)


def _permit(pattern: str, to: str, connection: str | None, *, allowed: bool) -> None:
    with desk() as at:
        at.door.governing.permit(
            at.caller, connection_id=at.connection_id(connection), grantee=to, pattern=pattern, allowed=allowed
        )  # fmt: skip
    who = "everybody" if to == "*" else to
    out.print(
        f"{pattern} is {'allowed' if allowed else 'forbidden'} for {who}.", highlight=False, markup=False
    )


@app.command("revoke-now")
def revoke_now(
    pattern: Pattern,
    to: Annotated[str, typer.Option("--to", help="From whom: * (everybody), person:3, agent:chat.")],
    why: Why,
    connection: Where = None,
) -> None:
    """Take a right back at once, also from what is under way."""
    with desk() as at:
        stopped = at.door.governing.revoke_now(
            at.caller, connection_id=at.connection_id(connection), grantee=to, pattern=pattern, why=why
        )  # fmt: skip
    out.print(
        f"{pattern} is taken back; {stopped} runs were stopped, and nothing more of it is sent.",
        highlight=False,
        markup=False,
    )


# --- budgets ---


@app.command()
def budgets() -> None:
    """The limits in force."""
    with desk() as at:
        found = at.door.governing.budgets(at.caller)
    out.print(cards.budget_table(found) if found else "There is no limit.")


@budget.command("set")
def set_budget(
    pattern: Annotated[
        str, typer.Argument(help="What it limits: as of a permission, or * for every write.")
    ] = "*",
    *,
    to: To = "*",
    connection: Where = None,
    currency: Currency = None,
    day: Money = None,
    customer: Money = None,
    four_eyes: Annotated[
        str | None, typer.Option(help="From this amount on two people have to be in it.")
    ] = None,
    day_count: Count = None,
    customer_count: Count = None,
) -> None:
    """Set a limit a day, or the amount from which four eyes are needed."""
    made = Budget(
        id=0, grantee=to, pattern=pattern, currency=currency.upper() if currency else None, day_minor=_minor(day, currency),
        customer_minor=_minor(customer, currency), four_eyes_minor=_minor(four_eyes, currency), day_count=day_count,
        customer_count=customer_count,
    )  # fmt: skip
    with desk() as at:
        number = at.door.governing.set_budget(
            at.caller, connection_id=at.connection_id(connection), budget=made
        )
    out.print(f"Budget {number} is in force.", highlight=False)


@budget.command("end")
def end_budget(number: Annotated[int, typer.Argument(help="The budget's number.")]) -> None:
    """Take a limit away."""
    with desk() as at:
        at.door.governing.end_budget(at.caller, number)
    out.print(f"Budget {number} is ended.", highlight=False)


def _minor(text: str | None, currency: str | None) -> int | None:
    if text is None:
        return None
    if not currency or currency.upper() not in EXPONENTS:
        raise Refusal("An amount needs its currency: give --currency, as in USD.")
    try:
        minor = parse_money(text, currency.upper()).minor
    except (ValueError, ArithmeticError):
        raise Refusal(f"{text!r} is no amount of {currency.upper()}: write it as in 1500.00.") from None
    if minor < 0:
        raise Refusal("A limit is not negative.")
    return minor


# --- standing approvals ---


@standing.command("list")
def standings() -> None:
    """What was approved once."""
    with desk() as at:
        found = at.door.governing.standings(at.caller)
    out.print(cards.standing_table(found) if found else "Nothing was approved once.")


@standing.command("approve")
def agree(
    patterns: Annotated[list[str], typer.Argument(help="The actions that pass.")],
    *,
    to: Annotated[str, typer.Option("--to", help="Whose calls: person:3, agent:mirror, * (everybody).")],
    why: Why,
    term: Annotated[
        list[str] | None, typer.Option(help="The configuration: name=value, again for more.")
    ] = None,
    connection: Where = None,
    currency: Currency = None,
    call: Annotated[str | None, typer.Option(help="The largest amount of one call.")] = None,
    day: Money = None,
    day_count: Count = None,
) -> None:
    """Approve a configuration once: calls inside it pass without asking."""
    with desk() as at:
        terms = Terms(
            grantee=to, patterns=tuple(patterns), connection_id=at.connection_id(connection), terms=given(term or ()),
            currency=currency.upper() if currency else None, call_minor=_minor(call, currency), day_minor=_minor(day, currency),
            day_count=day_count,
        )  # fmt: skip
        made = at.door.governing.agree(at.caller, terms, why)
    out.print(f"{made} is open.", highlight=False)


@standing.command("open")
def open_standing(standing_id: str, why: Why) -> None:
    """Open one again that was stopped."""
    _set(standing_id, "open", why)


@standing.command("stop")
def stop_standing(standing_id: str, why: Why) -> None:
    """Stop one until it is opened."""
    _set(standing_id, "stopped", why)


@standing.command("end")
def end_standing(standing_id: str, why: Why) -> None:
    """End one for good."""
    _set(standing_id, "ended", why)


def _set(standing_id: str, state: StandingState, why: str) -> None:
    with desk() as at:
        at.door.governing.set_standing(at.caller, standing_id, state, why)
    out.print(f"{standing_id} is {state}.", highlight=False, markup=False)
