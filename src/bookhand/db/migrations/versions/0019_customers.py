"""Customers: who there is, and which of Stripe's objects are about each; made from the deliveries, and may be made anew."""

from alembic import op

revision = "0019"
down_revision = "0017"

_SQL = """
create table customer (
    workspace_id int not null,
    connection_id int not null,
    customer text collate "C" not null,
    name text not null,
    email text not null,
    created bigint not null,
    as_of bigint not null,
    primary key (workspace_id, connection_id, customer)
);
create index customer_newest on customer (workspace_id, created desc, customer desc);
create index customer_name on customer (workspace_id, lower(name) text_pattern_ops);
create index customer_email on customer (workspace_id, lower(email) text_pattern_ops);
create table customer_object (
    workspace_id int not null,
    connection_id int not null,
    customer text collate "C" not null,
    object text collate "C" not null,
    object_id text collate "C" not null,
    created bigint not null,
    primary key (workspace_id, connection_id, customer, object, object_id)
);
create index customer_object_newest on customer_object (workspace_id, connection_id, customer, created desc, object_id desc);
create table customer_reading (
    workspace_id int not null,
    connection_id int not null,
    settled bigint not null,
    primary key (workspace_id, connection_id)
);
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(_SQL)
    for table in ("customer", "customer_object", "customer_reading"):
        op.execute(f"select bookhand_protect('{table}')")


def downgrade() -> None:
    raise SystemExit("bookhand's books only go forward: restore a backup instead.")
