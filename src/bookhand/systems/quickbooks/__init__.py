"""QuickBooks Online: a book, written through the door and read back.

The manifest: what it is to bookhand, how it is connected, how fast it can be written, and what is known to be missing.
"""

from __future__ import annotations

from bookhand.systems.manifest import Alternative, Manifest, Version, Way

SYSTEM = "quickbooks"
MINOR_VERSION = "75"
"""The lowest that Intuit still answers in, sent with every call."""
SCOPE = "com.intuit.quickbooks.accounting"


MANIFEST = Manifest(
    key="quickbooks",
    name="QuickBooks Online",
    system="quickbooks",
    category="finance",
    roles=("book",),
    auth=("oauth",),
    scopes=(SCOPE,),
    for_what="Your company's books, kept equal to the journal by journal entries and bank deposits.",
    does=(
        "Writes the journal into QuickBooks by the method you choose: a clearing account, deposits by payout, or a summary by day.",
        "Compares the book with the journal, account by account and month by month, and says the cause of every difference.",
        "Never edits what a person wrote: what was changed there is shown, and not written over.",
    ),
    fits=(
        "Your accountant works in QuickBooks Online, and its bank feed should find each payout as one deposit.",
        "One company, or several: each company is a connection of its own.",
    ),
    not_for=(
        "QuickBooks Desktop: it has another interface, which bookhand does not speak.",
        "Every sale as an invoice with its customer: bookhand writes what moved money, not sales documents.",
        "More than about 70,000 entries an hour: choose the summary by day, or another book.",
    ),
    gotchas=(
        "Only somebody who may administer the company can say yes on Intuit's page.",
        "The sign-in ends after 100 days without use, and five years after it was given; bookhand says so sixty days before.",
        "Nothing is written before a person agreed to the mapping of accounts, on the page of the book.",
        "Multicurrency cannot be switched off again in QuickBooks once it is on.",
    ),
    alternatives=(
        Alternative(key="netsuite", when="Several subsidiaries share one chart, and months are closed by a team."),
        Alternative(key="beancount", when="You want plain files under version control, and no limit on how much is written."),
    ),
    ways=(Way(key="oauth", name="Sign in at Intuit", says="Choose the company on Intuit's own page and say yes there. Needs an app of yours at Intuit."),),
    version=Version(
        name=MINOR_VERSION, since="2025-08-01",
        says="Since August 2025 Intuit answers in minor version 75 or later, whatever is asked for; it has announced no end for 75.",
    ),
    limits="500 calls a minute for a company, 10 a second and 40 batches of 30 a minute for one app: about 20 entries a second, "
    "and no more however many send. Each can be overridden for a connection under `limits`.",
    known_gaps=(
        "A deposit has no document number of its own: if somebody takes bookhand's mark out of its note, it is not known again.",
        "Lines on accounts receivable or payable need a customer or a vendor, and bookhand names none: map other accounts.",
        "An entry whose number somebody changed is known by its note when it is looked up or compared, not before it is written anew.",
        "A deposit's total has no description and no class: what the first line says is not kept.",
        "The rate of a document in another currency is QuickBooks' own of that day.",
        "QuickBooks keeps two decimals: a document with an amount such as 1.234 KWD is refused instead of rounded.",
        "A refresh token ends after 100 days without use, and five years after the sign-in whatever is done: then somebody signs in again.",
        "Whether the last closed day is protected by a password, QuickBooks does not tell.",
    ),
)  # fmt: skip
