"""The bank: statements and their lines, whole."""

from alembic import op

revision = "0011"
down_revision = "0010"

_TABLES: tuple[str, ...] = ()
_APPEND_ONLY: tuple[str, ...] = ()
_SQL: tuple[str, ...] = ()


def upgrade() -> None:
    for sql in _SQL:
        op.get_bind().exec_driver_sql(sql.replace("%", "%%"))
    for table in _TABLES:
        op.execute(f"select bookhand_protect('{table}')")
    for table in _APPEND_ONLY:
        op.execute(f"select bookhand_append_only('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
