"""One-time links that sign somebody in who is here already, written by the machine itself."""

from alembic import op

revision = "0013"
down_revision = "0012"

_SQL = """
alter table invitation drop constraint invitation_kind_check, drop constraint invitation_check,
    add constraint invitation_kind_check check (kind in ('invitation', 'reset', 'entry')),
    add constraint invitation_check check ((kind <> 'invitation') = (person_id is not null))
"""


def upgrade() -> None:
    op.execute(_SQL)


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
