"""Signs of life of the long-running parts, for ``/health``."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("""
        create table heartbeat (
            workspace_id int not null references workspace,
            connection_id int not null,     -- 0: a part that serves them all
            part text not null,
            at timestamptz not null default now(),
            primary key (workspace_id, connection_id, part)
        ) with (fillfactor = 50)
    """)
    op.execute("select bookhand_protect('heartbeat')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
