"""Outside books: how each is kept, the documents that are to stand in it, and which journal entries they cover."""

from alembic import op

revision = "0010"
down_revision = "0009"

_BOOK = """
create sequence book_batch;

create table book (
    workspace_id int not null,
    connection_id int not null,          -- of the book
    sources int[] not null,              -- the connections whose journals it takes
    method text not null check (method in ('clearing', 'deposit', 'daily_summary')),
    mapping jsonb not null,
    digest text not null,                -- of the mapping
    alone text[] not null default '{}',  -- accounts of the book that only bookhand posts to
    since date not null,                 -- entries booked before are not this book's
    most_lines int not null,
    standing_id text not null,
    agreed_by text not null,
    agreed_name text not null,
    agreed_at timestamptz not null default now(),
    primary key (workspace_id, connection_id)
);
create table book_document (
    workspace_id int not null,
    connection_id int not null,
    key text collate "C" not null,
    base text collate "C" not null,      -- the documents of one base cover its entries together
    source_id int not null,              -- the connection whose journal it is of
    subject text not null,               -- what it is of: a payout, a day, an entry
    kind text not null check (kind in ('journal_entry', 'deposit')),
    day date not null,
    currency text not null,
    content jsonb not null,              -- core.book.Document
    hash bytea not null,                 -- of the content
    total bigint not null,               -- the sum of its debits
    reverses text collate "C",           -- the key of the document it undoes
    state text not null check (state in ('intended', 'done', 'failed', 'reversed')),
    why text,
    batch int,                           -- how it was asked for: the batch, the proposal, the row
    row_no int,
    proposal_id text,
    vendor_id text,                      -- the book's own id and version of it
    version text,
    created_at timestamptz not null default now(),
    done_at timestamptz,
    primary key (workspace_id, connection_id, key)
);
-- None of these begins as the primary key does: a planner without statistics would take it for a look-up by key, and read all of it.
create index book_document_base on book_document (base, connection_id);
create index book_document_day on book_document (day, connection_id);
create index book_document_open on book_document (batch, connection_id) where state in ('intended', 'failed');
create index book_document_subject on book_document (subject, connection_id);
create index book_document_reverses on book_document (reverses, connection_id) where reverses is not null;

create table book_cover (                -- an entry is in one document's base of a book, and in no other: never two for the same money
    workspace_id int not null,
    connection_id int not null,
    source_id int not null,
    entry text collate "C" not null,
    base text collate "C" not null,
    month text not null,
    primary key (workspace_id, connection_id, source_id, entry)
);
create index book_cover_base on book_cover (base, connection_id);

create table book_month (                -- how many entries of a month are covered: what is new is found by counting
    workspace_id int not null,
    connection_id int not null,
    source_id int not null,
    month text not null,
    entries bigint not null,
    primary key (workspace_id, connection_id, source_id, month)
) with (fillfactor = 50);
"""

_TABLES: tuple[str, ...] = ("book", "book_document", "book_cover", "book_month")
_APPEND_ONLY: tuple[str, ...] = ()
_SQL: tuple[str, ...] = (_BOOK,)


def upgrade() -> None:
    for sql in _SQL:
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in _TABLES:
        op.execute(f"select bookhand_protect('{table}')")
    op.execute("grant usage, select on sequence book_batch to bookhand_app")
    for table in _APPEND_ONLY:
        op.execute(f"select bookhand_append_only('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
