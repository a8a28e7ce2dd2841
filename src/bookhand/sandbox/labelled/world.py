"""Makes a labelled world: accounts, payouts of every kind, the lines that the banks make of them, and other lines between them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.money import exponent
from bookhand.sandbox.labelled.banks import (
    RATES,
    Bank,
    Text,
    foreign_stripe_text,
    foreign_text,
    open_bank,
    payout_text,
)
from bookhand.sandbox.labelled.shapes import LINE_KINDS, Kind, Label, LineKey, Payout, World
from bookhand.sandbox.labelled.truth import judge

MIX: dict[Kind, float] = {
    "plain": 700, "no_trace": 80, "same_amount": 15, "batch": 8, "split": 12, "failed": 12, "returned": 12, "retry": 5, "instant": 40,
    "manual": 40, "bank_fee": 20, "fx": 15, "missing": 10, "late": 10, "cut": 15, "duplicate": 5, "reversal": 4, "negative": 7, "decoy": 4,
    "mention": 3,
}  # fmt: skip
LINES: dict[Kind, float] = {"foreign": 900, "foreign_stripe": 60, "trap": 40}
_FIRST = date(2024, 1, 8)
_LAGS = ((0, 1, 2, 3, -1), (900, 80, 14, 4, 2))


def generate(
    *, seed: int, payouts: int, days: int = 1000, foreign: float = 0.2, mix: dict[Kind, float] | None = None
) -> World:
    """About so many payouts over so many days, with `foreign` times as many other lines; `mix` weighs the kinds (all of `MIX`)."""
    maker = Maker(seed, payouts, days)
    weights = mix or MIX
    kinds, shares = list(weights), list(weights.values())
    while len(maker.payouts) < payouts:
        kind = maker.rng.choices(kinds, shares)[0]
        KINDS[kind](maker, maker.rng.choice(maker.banks))
    for _ in range(round(payouts * foreign)):
        maker.other(maker.rng.choices(list(LINES), list(LINES.values()))[0])
    judge(maker.world, maker.banks)
    maker.rng.shuffle(maker.payouts)
    maker.rng.shuffle(maker.lines)
    return maker.world


class Maker:
    """A world while it is made."""

    def __init__(self, seed: int, payouts: int, days: int) -> None:
        self.rng = random.Random(seed)
        self.banks = [open_bank(self.rng, index) for index in range(max(2, payouts // 3000))]
        self.days = days
        rates = {pair: RATES[pair] for pair in RATES}
        self.world = World(seed=seed, payouts=[], lines=[], labels=[], rates=rates)

    @property
    def payouts(self) -> list[Payout]:
        return self.world.payouts

    @property
    def lines(self) -> list[StatementLine]:
        return self.world.lines

    def amount(self, bank: Bank) -> int:
        """From 40 to 90,000 dollars' worth, in the currency's minor units, smaller ones more often."""
        major = 40 * (90_000 / 40) ** self.rng.random()
        scale = {"JPY": 150, "KWD": 1000}.get(bank.currency, 100)
        return round(major * scale) * (10 if bank.currency == "KWD" and self.rng.random() < 0.2 else 1)

    def day(self, bank: Bank) -> date:
        """A day on which Stripe makes a payout."""
        return bank.later(_FIRST + timedelta(days=self.rng.randrange(self.days)), 0)

    def payout(
        self, bank: Bank, *, created: date | None = None, minor: int | None = None, **more: object
    ) -> Payout:
        """A new payout, two of the bank's days under way."""
        made = created or self.day(bank)
        arrival = made if more.get("method") == "instant" else bank.later(made, 2)
        one = Payout(
            id="po_1" + "".join(self.rng.choices("abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=23)),
            connection=bank.connection,
            currency=bank.currency,
            minor=self.amount(bank) if minor is None else minor,
            arrival_day=arrival.isoformat(),
            created_day=made.isoformat(),
            trace_id=bank.trace(self.rng) if self.rng.random() < 0.7 else None,
            descriptor=bank.descriptor,
            account=bank.number if bank.hint == "account" else None,
            last4=bank.number[-4:] if bank.hint == "last4" else None,
        )
        for name, value in more.items():
            setattr(one, name, value)
        self.payouts.append(one)
        return one

    def line(
        self, bank: Bank, day: date, minor: int, text: Text, *, key: str | None = None, **more: object
    ) -> LineKey:
        """A new line."""
        key = key or f"{self.rng.randrange(16**12):012x}"
        self.lines.append(
            StatementLine(
                account=bank.number, key=key, day=day.isoformat(), currency=str(more.pop("currency", bank.currency)), minor=minor,
                description=text.description, counterparty=text.counterparty, references=text.references, **more,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        return bank.number, key

    def arrives(
        self, bank: Bank, one: Payout, *, minor: int | None = None, trace: bool = True, lag: int | None = None
    ) -> LineKey:
        """The line of a payout, on a day that is usual."""
        text = payout_text(self.rng, bank, one, trace=one.trace_id if trace else None)
        return self.line(bank, self.on(bank, one, lag), one.minor if minor is None else minor, text)

    def on(self, bank: Bank, one: Payout, lag: int | None = None) -> date:
        """The day of the bank on which a payout arrives."""
        late = self.rng.choices(*_LAGS)[0] if lag is None else lag
        first = bank.later(date.fromisoformat(one.arrival_day), 0)
        return bank.later(first, late) if late else first

    def label(self, kind: Kind, payouts: list[Payout], lines: list[LineKey]) -> None:
        """Write down what belongs together."""
        self.world.labels.append(Label(kind=kind, payouts=tuple(one.id for one in payouts), lines=tuple(lines)))

    def other(self, kind: Kind) -> None:
        """A line that is no payout's."""
        bank = self.rng.choice(self.banks)
        sign = self.rng.choice((1, 1, -1))
        if kind == "foreign_stripe":
            key = self.line(bank, self.day(bank), sign * self.amount(bank), foreign_stripe_text(self.rng, bank))
        elif kind == "trap" and self.payouts:
            one = self.rng.choice(self.payouts)
            bank = next(each for each in self.banks if each.connection == one.connection)
            key = self.line(bank, self.on(bank, one), abs(one.minor), foreign_text(self.rng))
        else:
            key = self.line(bank, self.day(bank), sign * self.amount(bank), foreign_text(self.rng))
        self.label(kind if kind in LINE_KINDS else "foreign", [], [key])


def _plain(maker: Maker, bank: Bank) -> None:
    one = maker.payout(bank)
    maker.label("plain", [one], [maker.arrives(bank, one)])


def _no_trace(maker: Maker, bank: Bank) -> None:
    one = maker.payout(bank)
    maker.label("no_trace", [one], [maker.arrives(bank, one, trace=False)])


def _same_amount(maker: Maker, bank: Bank) -> None:
    """Two to five payouts of one amount, on a day or on days in a row; sometimes one of them is not at the bank."""
    rng = maker.rng
    day, minor, traced = maker.day(bank), maker.amount(bank), rng.random() < 0.5
    together = rng.random() < 0.5
    for index in range(rng.randrange(2, 6)):
        one = maker.payout(bank, created=day if together else bank.later(day, index), minor=minor)
        lost = rng.random() < 0.04
        maker.label("missing" if lost else "same_amount", [one], [] if lost else [maker.arrives(bank, one, trace=traced)])


def _batch(maker: Maker, bank: Bank) -> None:
    """Two to six payouts of one day in one line, which may carry the id of the first, of all or of none."""
    rng, day = maker.rng, maker.day(bank)
    some = [maker.payout(bank, created=day) for _ in range(rng.choice((2, 2, 2, 3, 3, 4, 5, 6)))]
    text = payout_text(rng, bank, some[0], trace=some[0].trace_id if rng.random() < 0.3 else None)
    if rng.random() < 0.3 and all(one.trace_id for one in some):
        text.references = tuple(one.trace_id or "" for one in some)
    key = maker.line(bank, maker.on(bank, some[0]), sum(one.minor for one in some), text)
    maker.label("batch", some, [key])


def _split(maker: Maker, bank: Bank) -> None:
    """A payout in two to four lines of one day."""
    rng, one = maker.rng, maker.payout(bank, minor=maker.amount(bank) + 9_000)
    cuts = sorted(rng.sample(range(1000, one.minor - 1000), rng.choice((1, 1, 2, 3))))
    parts = [high - low for low, high in zip([0, *cuts], [*cuts, one.minor], strict=True)]
    day, traced = maker.on(bank, one), rng.choice(("all", "first", "none"))
    keys = []
    for index, part in enumerate(parts):
        trace = one.trace_id if traced == "all" or (traced == "first" and index == 0) else None
        keys.append(maker.line(bank, day, part, payout_text(rng, bank, one, trace=trace)))
    maker.label("split", [one], keys)


def _failed(maker: Maker, bank: Bank) -> None:
    one = maker.payout(bank)
    one.status, one.failed_day = "failed", _after(bank, one, maker.rng.randrange(1, 6))
    maker.label("failed", [one], [])


def _returned(maker: Maker, bank: Bank) -> None:
    """It arrived, and the bank sent it back within a week."""
    one = maker.payout(bank)
    maker.label("returned", [one], _there_and_back(maker, bank, one))


def _there_and_back(maker: Maker, bank: Bank, one: Payout) -> list[LineKey]:
    rng = maker.rng
    one.status, one.failed_day = "failed", _after(bank, one, rng.randrange(1, 6))
    there = maker.arrives(bank, one, lag=0)
    text = payout_text(rng, bank, one, trace=one.trace_id if rng.random() < 0.5 else None)
    text.description = f"{rng.choice(('RETURN', 'REVERSAL', 'R03'))} {text.description}"
    back = bank.later(date.fromisoformat(one.failed_day), rng.randrange(2))
    return [there, maker.line(bank, back, -one.minor, text, reversal=rng.random() < 0.3)]


def _after(bank: Bank, one: Payout, days: int) -> str:
    return bank.later(date.fromisoformat(one.arrival_day), days).isoformat()


def _retry(maker: Maker, bank: Bank) -> None:
    """A payout fails (most never arrive), and the same amount is paid out again days later."""
    rng, first = maker.rng, maker.payout(bank)
    if rng.random() < 0.3:
        maker.label("returned", [first], _there_and_back(maker, bank, first))
    else:
        first.status, first.failed_day = "failed", _after(bank, first, rng.randrange(1, 5))
        maker.label("failed", [first], [])
    again = bank.later(date.fromisoformat(first.failed_day or first.arrival_day), rng.randrange(1, 4))
    second = maker.payout(bank, created=again, minor=first.minor, automatic=False)
    maker.label("retry", [second], [maker.arrives(bank, second)])


def _instant(maker: Maker, bank: Bank) -> None:
    """On any day of the week, there at once; many banks book it on the next day that they work."""
    day = _FIRST + timedelta(days=maker.rng.randrange(maker.days))
    one = maker.payout(bank, created=day, method="instant", automatic=False)
    text = payout_text(maker.rng, bank, one, trace=one.trace_id)
    booked = day if maker.rng.random() < 0.5 else bank.later(day, 0)
    maker.label("instant", [one], [maker.line(bank, booked, one.minor, text)])


def _manual(maker: Maker, bank: Bank) -> None:
    one = maker.payout(bank, automatic=False)
    maker.label("manual", [one], [maker.arrives(bank, one)])


def _bank_fee(maker: Maker, bank: Bank) -> None:
    """The bank keeps its fee; some banks say so in the line."""
    one = maker.payout(bank, minor=maker.amount(bank) + 10 * bank.fee)
    text = payout_text(maker.rng, bank, one, trace=one.trace_id)
    if maker.rng.random() < 0.3:
        places = exponent(bank.currency)
        whole, rest = divmod(bank.fee, 10**places)
        text.description += f" LESS FEE {whole}.{rest:0{places}d}" if places else f" LESS FEE {whole}"
    maker.label("bank_fee", [one], [maker.line(bank, maker.on(bank, one), one.minor - bank.fee, text)])


def _fx(maker: Maker, bank: Bank) -> None:
    """A payout in another currency than the account's; some banks say what was sent."""
    rng = maker.rng
    pair = rng.choice([pair for pair in RATES if pair[1] == bank.currency] or [("GBP", "EUR")])
    if pair[1] != bank.currency:
        _plain(maker, bank)
        return
    one = maker.payout(bank, currency=pair[0], minor=rng.randrange(4_000, 9_000_000))
    low, high = (float(each) for each in RATES[pair])
    rate = low + (high - low) * rng.random()
    got = round(one.minor * rate * 10 ** (exponent(pair[1]) - exponent(pair[0])))
    says = {"original_minor": one.minor, "original_currency": one.currency} if rng.random() < 0.6 else {}
    text = payout_text(rng, bank, one, trace=one.trace_id)
    maker.label("fx", [one], [maker.line(bank, maker.on(bank, one, rng.randrange(3)), got, text, **says)])


def _missing(maker: Maker, bank: Bank) -> None:
    maker.label("missing", [maker.payout(bank)], [])


def _late(maker: Maker, bank: Bank) -> None:
    """Some of the bank's days after it was due."""
    one = maker.payout(bank)
    maker.label("late", [one], [maker.arrives(bank, one, lag=maker.rng.randrange(2, 9))])


def _cut(maker: Maker, bank: Bank) -> None:
    """The bank cuts its text, wherever that is."""
    one = maker.payout(bank)
    text = payout_text(maker.rng, bank, one, trace=one.trace_id)
    text = Text(text.description[: maker.rng.choice((6, 10, 16, 24, 32))].rstrip(), text.references if maker.rng.random() < 0.5 else ())
    maker.label("cut", [one], [maker.line(bank, maker.on(bank, one), one.minor, text)])


def _duplicate(maker: Maker, bank: Bank) -> None:
    """The bank books it twice, with the same references."""
    one = maker.payout(bank)
    first = maker.arrives(bank, one)
    line = maker.lines[-1]
    copy = msgspec.structs.replace(line, key=f"{maker.rng.randrange(16**12):012x}")
    if maker.rng.random() < 0.3:
        copy = msgspec.structs.replace(copy, day=bank.later(date.fromisoformat(line.day), 1).isoformat())
    maker.lines.append(copy)
    maker.label("duplicate", [one], [first])
    maker.label("duplicate", [], [(copy.account, copy.key)])


def _reversal(maker: Maker, bank: Bank) -> None:
    """A payout is reversed by another one, days later: each has its line."""
    one = maker.payout(bank)
    again = bank.later(date.fromisoformat(one.arrival_day), maker.rng.randrange(2, 9))
    back = maker.payout(bank, created=again, minor=-one.minor, automatic=False, original=one.id)
    one.reversed_by = back.id
    maker.label("reversal", [one], [maker.arrives(bank, one)])
    maker.label("reversal", [back], [maker.arrives(bank, back)])


def _negative(maker: Maker, bank: Bank) -> None:
    one = maker.payout(bank, minor=-maker.amount(bank))
    maker.label("negative", [one], [maker.arrives(bank, one)])


def _decoy(maker: Maker, bank: Bank) -> None:
    """A payout with its line, and beside it a line of the same amount from another Stripe account, with or without a trace."""
    one = maker.payout(bank)
    maker.label("decoy", [one], [maker.arrives(bank, one)])
    stranger = msgspec.structs.replace(one, trace_id=bank.trace(maker.rng), descriptor=None)
    text = payout_text(maker.rng, bank, stranger, trace=stranger.trace_id if maker.rng.random() < 0.6 else None)
    maker.label("foreign_stripe", [], [maker.line(bank, maker.on(bank, one), one.minor, text)])


def _mention(maker: Maker, bank: Bank) -> None:
    """A line that has nothing to do with a payout and quotes its id or trace."""
    one = maker.payout(bank)
    maker.label("mention", [one], [maker.arrives(bank, one)])
    about = maker.rng.choice((one.id, one.trace_id or one.id))
    text = Text(f"CUSTOMER TRANSFER RE {about} PLEASE REFUND")
    sign = maker.rng.choice((1, -1))
    maker.label("foreign", [], [maker.line(bank, maker.on(bank, one), sign * maker.amount(bank), text)])


KINDS: dict[Kind, Callable[[Maker, Bank], None]] = {
    "plain": _plain, "no_trace": _no_trace, "same_amount": _same_amount, "batch": _batch, "split": _split, "failed": _failed,
    "returned": _returned, "retry": _retry, "instant": _instant, "manual": _manual, "bank_fee": _bank_fee, "fx": _fx, "missing": _missing,
    "late": _late, "cut": _cut, "duplicate": _duplicate, "reversal": _reversal, "negative": _negative, "decoy": _decoy, "mention": _mention,
}  # fmt: skip
