"""Plaid: the lines of bank accounts as a feed. Signing in (Link) happens at Plaid; here are the tokens, the loop and what its words mean."""

from __future__ import annotations

from bookhand.systems.bank import PLAID_VERSION, SYSTEM
from bookhand.systems.manifest import Alternative, Field, Manifest, Version, Way

MANIFEST = Manifest(
    key="plaid",
    name="Plaid",
    system=SYSTEM,
    category="bank",
    roles=("statements",),
    auth=("plaid",),
    for_what="The lines of your bank accounts as a feed, without anybody fetching a file.",
    does=(
        "Asks Plaid for new lines every hour, up to two years back at first.",
        "Matches payouts with the lines they arrived as, and names what nobody has explained.",
        "Takes back what the bank took back, and keeps what it said before.",
    ),
    fits=("Your bank is one that Plaid reaches, in the United States, Canada or Europe.", "Payouts should be matched on the day they arrive."),
    not_for=(
        "Books that have to be proven against the bank's own balances of past days: Plaid tells that of this moment alone.",
        "A bank that Plaid does not reach, or a company that lets no third party see its lines: use statements.",
    ),
    gotchas=(
        "Plaid is a company of its own, with prices of its own: you need your keys there.",
        "A bank may want a new sign-in after some months; the connection says so, and you sign in again.",
        "How far back it reaches is fixed when the bank is connected for the first time.",
        "One account is read from one source: do not upload statements of an account that comes by Plaid.",
    ),
    alternatives=(Alternative(key="bank", when="No outside party should see your bank's lines, or balances of past days have to be proven."),),
    ways=(
        Way(key="oauth", name="Sign in at the bank", says="Choose your bank on Plaid's own page and sign in there. Needs your keys at Plaid."),
        Way(
            key="keys", name="Your keys at Plaid", prepares=True,
            says="From dashboard.plaid.com, Developers, Keys. They are tried at once, and sealed; banks are connected with them afterwards.",
            fields=(
                Field(name="client_id", label="Client id"),
                Field(name="secret", label="Secret", hint="Of the same place. It is sealed at once, and never shown again.", secret=True),
                Field(name="place", label="Place", hint="Production for real banks, sandbox to try.", choices=("production", "sandbox")),
            ),
        ),
    ),
    limits="Asked every 60 minutes (`BOOKHAND_PLAID_MINUTES`); Plaid itself asks a bank one to four times a day.",
    version=Version(name=PLAID_VERSION, since="2020-09-14", says="The newest there is; Plaid has announced no end for it."),
    known_gaps=("Plaid tells a balance of this moment only, so a feed's lines are not proven against one.",),
)  # fmt: skip
