"""NetSuite: a company's books, mirrored as journal entries and bank deposits over REST.

The manifest: how it is connected, which permissions the role needs, how fast it lets us write, and what is known to be missing.
"""

from __future__ import annotations

from bookhand.systems.manifest import Alternative, Field, Manifest, Need, Version, Way

SYSTEM = "netsuite"
API_VERSION = "v1"
"""Of the record and query services; NetSuite has no other yet."""
AT_ONCE = 5
"""Requests at once that we allow ourselves, of the 15 or more that an account shares among all of its integrations."""
SECONDS_A_CALL = 0.8
"""What a write of a small transaction takes, from 0.3 s to 2 s as integrators tell it (UNVERIFIED): for estimates alone."""
CALLS_A_DOCUMENT = 2
"""A document is looked for by its external id, then written."""


def _need(permission: str, level: str, why: str) -> Need:
    return Need(permission=permission, access=level, why=why)


MANIFEST = Manifest(
    key="netsuite",
    name="NetSuite",
    system="netsuite",
    category="finance",
    roles=("book",),
    auth=("m2m", "tba"),
    for_what="The books of a larger company or a group, kept equal to the journal over NetSuite's REST services.",
    does=(
        "Writes journal entries and bank deposits into one subsidiary, each under an external id, so that none is written twice.",
        "Compares the book with the journal, account by account and month by month, and says the cause of every difference.",
        "Knows which months are closed, and lets what belongs there wait instead of writing around it.",
    ),
    fits=(
        "Your company or group already keeps its books in NetSuite.",
        "A subsidiary takes the journal of one or several Stripe accounts: each subsidiary is a connection of its own.",
    ),
    not_for=(
        "Receivables by customer or sales orders: bookhand writes what moved money, not sales documents.",
        "Entries between companies of a group, and tax fields: these are not written.",
    ),
    gotchas=(
        "An administrator has to switch on REST Web Services and OAuth 2.0, and make a role with the permissions below.",
        "A certificate is good for two years at most; bookhand says so sixty days before it ends.",
        "NetSuite makes no new token pairs from 2027.1 on, and tentatively stops taking them in 2028.2: use a certificate.",
        "Requests at once are shared by everything that is connected to the account, not only by bookhand.",
    ),
    alternatives=(
        Alternative(key="quickbooks", when="One company, and a bookkeeper who works by the bank feed."),
        Alternative(key="beancount", when="You want plain files under version control, and no limit on how much is written."),
    ),
    ways=(
        Way(
            key="m2m", name="Certificate", says="bookhand makes a key pair and shows the certificate; you upload that in NetSuite, and tell what NetSuite calls it.",
            fields=(
                Field(name="account", label="Account id", hint="As in 1234567 or 1234567_SB1 (Setup, Company, Company Information)."),
                Field(name="client_id", label="Client id", hint="Of the integration record."),
                Field(name="certificate_id", label="Certificate id", hint="What NetSuite calls the certificate once it is uploaded."),
                Field(name="subsidiary", label="Subsidiary", hint="Its internal id, in a OneWorld account; bookhand lists those there are where one has to be chosen.", needed=False),
                Field(name="name", label="Name", hint="What to call the connection.", needed=False),
            ),
        ),
        Way(
            key="tba", name="Token pair (goes away)", says="Four values of token-based sign-in, from the integration record and the access token.",
            fields=(
                Field(name="account", label="Account id", hint="As in 1234567 or 1234567_SB1."),
                Field(name="consumer_key", label="Consumer key", secret=True),
                Field(name="consumer_secret", label="Consumer secret", secret=True),
                Field(name="token_id", label="Token id", secret=True),
                Field(name="token_secret", label="Token secret", secret=True),
                Field(name="subsidiary", label="Subsidiary", hint="Its internal id, in a OneWorld account.", needed=False),
                Field(name="name", label="Name", hint="What to call the connection.", needed=False),
            ),
        ),
    ),
    version=Version(name=API_VERSION, says="Of the record and query services; NetSuite has no other yet, and releases twice a year without changing its name."),
    needs=(
        _need("REST Web Services", "Full", "to be asked at all"),
        _need("Log in using OAuth 2.0 Access Tokens", "Full", "to sign in with a certificate (Log in using Access Tokens for TBA)"),
        _need("SuiteAnalytics Workbook", "Edit", "to read what is booked, by SuiteQL"),
        _need("Make Journal Entry", "Full", "to write journal entries"),
        _need("Deposit", "Full", "to write bank deposits"),
        _need("Accounts", "View", "to know the chart of accounts"),
        _need("Currency", "View", "to know the currencies"),
        _need("Subsidiaries", "View", "to know the companies of a OneWorld account"),
        _need("Classes", "View", "to know the classes"),
        _need("Manage Accounting Periods", "View", "to know which months are closed"),
        _need("Find Transaction", "View", "to read other people's transactions on the mapped accounts"),
    ),
    limits=(
        "No calls a second, but requests at once: 15 for an account of the first tier, shared by all that is connected to it. "
        "bookhand takes 5 of them, over all of its workers; say --at-once where it may have more."
    ),
    known_gaps=(
        "Intercompany journal entries, lines on receivable and payable accounts, payments into deposits and tax fields are not written.",
        "A deposit cannot be below zero: a payout that takes money from the bank is a journal entry on the bank account.",
        "A currency with more decimals at Stripe than NetSuite keeps is refused where an amount would be rounded.",
        "Certificates are renewed by a person; NetSuite's own rotation endpoint is not used.",
        "Whether a journal entry needs an approval is the account's own preference; ours ask to be approved at once.",
        "Tried against the stand-in and Oracle's published documentation, not against a live account.",
    ),
)  # fmt: skip
