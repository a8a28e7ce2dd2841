"""Beancount: a plain-text ledger that anybody can read, check and keep under version control.

The manifest. Beancount and Fava are GPL programs: bookhand starts them and never imports them.
"""

from __future__ import annotations

from bookhand.systems.manifest import Alternative, Field, Manifest, Version, Way

SYSTEM = "beancount"
FORMAT = "3"
"""The version of Beancount's syntax that is written and read."""


MANIFEST = Manifest(
    key="beancount",
    name="Beancount",
    system="beancount",
    category="finance",
    roles=("book",),
    auth=("folder",),
    for_what="A plain-text ledger in a folder: anybody can read it, check it and keep it under version control.",
    does=(
        "Writes documents into a folder by the method you choose, as files that `bean-check` accepts and Fava shows.",
        "Compares the book with the journal, account by account and month by month, and says the cause of every difference.",
        "Leaves files and lines of yours alone.",
    ),
    fits=(
        "You want the books as text, under git, with nobody between you and them.",
        "Volumes are large: nothing limits how fast a file is written.",
    ),
    not_for=(
        "An accountant who has to work in it without a text editor.",
        "Closing months for several people with rights of their own: Beancount knows no users.",
    ),
    gotchas=(
        "The folder is one on the machine that bookhand runs on, and its user has to be able to write there.",
        "A chart of accounts is made there if the folder has none; change it before you agree to a mapping.",
    ),
    alternatives=(
        Alternative(key="quickbooks", when="Your accountant works in QuickBooks Online."),
        Alternative(key="netsuite", when="Several subsidiaries share one chart, and months are closed by a team."),
    ),
    ways=(
        Way(
            key="folder", name="A folder", says="What is missing there is made: a ledger, and an example chart of accounts.",
            fields=(
                Field(name="folder", label="Folder", hint="A path on the machine that bookhand runs on, as in /srv/books/acme."),
                Field(name="mode", label="Takes the journal of", hint="Live accounts, or test ones.", choices=("live", "test")),
                Field(name="name", label="Name", hint="What to call the book; without it the folder's name.", needed=False),
            ),
        ),
    ),
    limits="None: files are written as fast as the disk takes them.",
    version=Version(name=FORMAT, says="The syntax of Beancount 3, which has no end. `bean-check` 3.2 or newer reads it."),
    program="bean-check 3.2 or newer",
    known_gaps=(
        "The mirror of the whole journal (`bookhand export`) is one way: what a person writes in a file of their own is left alone.",
        "A book that documents are written into is read back; an amount that is a sum (`(1 + 2) USD`) is refused there.",
    ),
)  # fmt: skip
