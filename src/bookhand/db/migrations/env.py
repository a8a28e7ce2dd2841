"""How Alembic reaches the database: one connection, one transaction for all steps (PostgreSQL undoes a failed one whole)."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from bookhand.db.schema import sqlalchemy_url

engine = create_engine(sqlalchemy_url(context.config.attributes["url"]), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        context.run_migrations()
