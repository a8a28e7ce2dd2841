"""How Alembic reaches the database: one connection, one transaction for all steps (PostgreSQL undoes a failed one whole)."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from bookhand.db.schema import sqlalchemy_url

engine = create_engine(sqlalchemy_url(context.config.attributes["url"]), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        # The tables' owner is under row-level security too, unless it is a superuser: it works as the first workspace.
        connection.exec_driver_sql("select set_config('bookhand.workspace', '1', true)")
        context.run_migrations()
