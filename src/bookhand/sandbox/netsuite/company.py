"""What an account holds beside its transactions: subsidiaries, currencies, the chart, classes, periods.

    company = Company("1002-sb1", "Simple Shop Inc.")
    bank = company.account("1000", "Checking", "Bank", currency="USD")
    company.period_of("2026-11-20").closed

Ready are `one_world()` (two subsidiaries, three currencies), `simple()`, and the seeded company's `lantern()`.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field

ACCOUNT_TYPES = (
    "Bank", "AcctRec", "OthCurrAsset", "FixedAsset", "OthAsset", "AcctPay", "CredCard", "OthCurrLiab", "LongTermLiab", "DeferRevenue",
    "DeferExpense", "UnbilledRec", "Equity", "Income", "OthIncome", "COGS", "Expense", "OthExpense", "NonPosting", "Stat",
)  # fmt: skip
"""As `account.accttype` says them."""


@dataclass
class Currency:
    """A currency of the account's list."""

    id: str
    symbol: str
    name: str
    rate: str = "1"
    """Of one unit in the root subsidiary's currency, for new transactions."""


@dataclass
class Subsidiary:
    """A company within a OneWorld account."""

    id: str
    name: str
    currency: str
    parent: str | None = None
    inactive: bool = False


@dataclass
class Account:
    """An account of the chart; `subsidiaries` is empty where all may use it."""

    id: str
    number: str
    name: str
    type: str
    parent: str | None = None
    currency: str | None = None
    inactive: bool = False
    summary: bool = False
    subsidiaries: tuple[str, ...] = ()


@dataclass
class Named:
    """A class, department or location."""

    id: str
    name: str
    inactive: bool = False


@dataclass
class Period:
    """An accounting period: a month; quarters and years are there for those who list them."""

    id: str
    name: str
    start: str
    end: str
    closed: bool = False
    locked: bool = False
    kind: str = "month"


@dataclass
class Company:
    """One NetSuite account."""

    slug: str
    name: str
    one_world: bool = False
    subsidiaries: dict[str, Subsidiary] = field(default_factory=dict)
    currencies: dict[str, Currency] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    classes: dict[str, Named] = field(default_factory=dict)
    departments: dict[str, Named] = field(default_factory=dict)
    locations: dict[str, Named] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """The account id as people and OAuth 1 write it: ``1234567_SB1``."""
        return self.slug.replace("-", "_").upper()

    def account(
        self, number: str, name: str, type: str, *, parent: str | None = None, currency: str | None = None,  # noqa: A002 (theirs)
        subsidiaries: tuple[str, ...] = (), summary: bool = False,
    ) -> Account:  # fmt: skip
        """Add an account to the chart."""
        made = Account(
            str(100 + len(self.accounts)), number, name, type, parent, currency, False, summary, subsidiaries
        )
        self.accounts[made.id] = made
        return made

    def full_name(self, account: Account) -> str:
        """With its parents, as `account.fullname` says it: ``Expenses : Fees``."""
        parent = self.accounts.get(account.parent or "")
        return f"{self.full_name(parent)} : {account.name}" if parent else account.name

    def period_of(self, day: str) -> Period | None:
        """The month that `day` is in."""
        return next((p for p in self.periods.values() if p.kind == "month" and p.start <= day <= p.end), None)

    def currency_of(self, symbol: str) -> Currency:
        """The currency of that ISO code; KeyError where the account has none."""
        return next(each for each in self.currencies.values() if each.symbol == symbol)

    def by_number(self, number: str) -> Account:
        """The account of that number."""
        return next(each for each in self.accounts.values() if each.number == number)


def one_world() -> Company:
    """Two subsidiaries (US in USD, Germany in EUR) and pounds beside; account TSTDRV1001."""
    company = Company("tstdrv1001", "Aurora Goods Group", one_world=True)
    company.currencies = {
        "1": Currency("1", "USD", "US Dollar"), "2": Currency("2", "GBP", "British Pound", "1.27"),
        "4": Currency("4", "EUR", "Euro", "1.08"),
    }  # fmt: skip
    company.subsidiaries = {
        "1": Subsidiary("1", "Aurora Goods Inc.", "1"), "2": Subsidiary("2", "Aurora Goods GmbH", "4", parent="1"),
    }  # fmt: skip
    _chart(
        company,
        banks=(
            ("1000", "Checking USD", "1", "1"),
            ("1010", "Girokonto EUR", "4", "2"),
            ("1015", "Checking EUR", "4", "1"),
            ("1020", "Checking GBP", "2", "1"),
        ),
    )
    company.classes = {
        "1": Named("1", "Online"),
        "2": Named("2", "Wholesale"),
        "3": Named("3", "Retired line", inactive=True),
    }
    company.departments = {"1": Named("1", "Sales")}
    company.locations = {"1": Named("1", "Main warehouse")}
    _calendar(company)
    return company


def simple() -> Company:
    """One company, one currency, no subsidiaries; the sandbox account 1002_SB1."""
    company = Company("1002-sb1", "Simple Shop Inc.")
    company.currencies = {"1": Currency("1", "USD", "US Dollar")}
    _chart(company, banks=(("1000", "Checking", "1", ""),))
    company.classes = {"1": Named("1", "Online")}
    _calendar(company)
    return company


def lantern() -> Company:
    """The seeded company: one subsidiary kept by journal entries, one by deposits; account TSTDRV2002."""
    company = Company("tstdrv2002", "Lantern Metrics", one_world=True)
    company.currencies = {
        "1": Currency("1", "USD", "US Dollar"), "4": Currency("4", "EUR", "Euro", "1.08"), "5": Currency("5", "JPY", "Yen", "0.0066"),
        "6": Currency("6", "KWD", "Kuwaiti Dinar", "3.25"),
    }  # fmt: skip
    company.subsidiaries = {
        "1": Subsidiary("1", "Lantern Metrics Inc.", "1"),
        "2": Subsidiary("2", "Lantern Metrics (deposits)", "1"),
    }
    _chart(
        company,
        banks=(
            ("1000", "Checking", "1", ""),
            ("1010", "Dollar account", "1", ""),
            ("1020", "Girokonto", "4", ""),
        ),
    )
    company.account("1098", "Instant payout bridge", "OthCurrAsset")
    company.account("2130", "Connect payable", "OthCurrLiab")
    company.account("3010", "Currency conversion", "Equity")
    company.account("4020", "Application fees earned", "Income")
    company.account("6040", "Payout fees", "Expense")
    company.account("6050", "Bank fees", "Expense")
    _calendar(company)
    return company


def _chart(company: Company, *, banks: tuple[tuple[str, str, str, str], ...]) -> None:
    add = company.account
    for number, name, currency, subsidiary in banks:
        add(number, name, "Bank", currency=currency, subsidiaries=(subsidiary,) if subsidiary else ())
    add("1090", "Bank in transit", "OthCurrAsset")
    add("1095", "Stripe clearing", "OthCurrAsset")
    add("1096", "Disputes pending", "OthCurrAsset")
    add("1097", "Reserves at Stripe", "OthCurrAsset")
    add("1100", "Accounts receivable", "AcctRec")
    add("2000", "Accounts payable", "AcctPay")
    add("2100", "Sales tax payable", "OthCurrLiab")
    add("2110", "Customer deposits", "OthCurrLiab")
    add("2120", "Refunds payable", "OthCurrLiab")
    add("2200", "Deferred revenue", "DeferRevenue")
    add("3000", "Opening balance equity", "Equity")
    add("4000", "Sales", "Income")
    add("4010", "Refunds and allowances", "Income")
    add("4900", "Other income", "OthIncome")
    fees = add("6000", "Merchant services", "Expense", summary=True)
    add("6010", "Stripe fees", "Expense", parent=fees.id)
    add("6020", "Dispute fees", "Expense", parent=fees.id)
    add("6030", "Tax on fees", "Expense", parent=fees.id)
    add("6100", "Dispute losses", "Expense")
    add("6200", "Bad debt", "Expense")
    add("6900", "Exchange differences", "OthExpense")
    add("9990", "Suspense", "OthCurrAsset")
    add("6999", "Old card fees", "Expense").inactive = True
    add("9000", "Customers counted", "Stat")


def _calendar(company: Company) -> None:
    """Months, quarters and years of 2024 to 2027."""
    for year in range(2024, 2028):
        company.periods[str(len(company.periods) + 1)] = Period(
            str(len(company.periods) + 1), f"FY {year}", f"{year}-01-01", f"{year}-12-31", kind="year"
        )
        for month in range(1, 13):
            if month % 3 == 1:
                last = f"{year}-{month + 2:02}-{calendar.monthrange(year, month + 2)[1]:02}"
                number = str(len(company.periods) + 1)
                company.periods[number] = Period(
                    number, f"Q{month // 3 + 1} {year}", f"{year}-{month:02}-01", last, kind="quarter"
                )
            number = str(len(company.periods) + 1)
            end = f"{year}-{month:02}-{calendar.monthrange(year, month)[1]:02}"
            company.periods[number] = Period(
                number, f"{calendar.month_abbr[month]} {year}", f"{year}-{month:02}-01", end
            )
