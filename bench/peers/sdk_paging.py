"""A peer: the official SDK's own paging, each hundred objects put into PostgreSQL as JSON, as a script of twenty lines does it.

python -m bench.peers.sdk_paging DATABASE API LIST SECONDS        prints {"objects": …, "seconds": …}
"""

from __future__ import annotations

import json
import sys
import time
from itertools import islice

import psycopg
import stripe


def main(database: str, api: str, name: str, most_seconds: str) -> None:
    client = stripe.StripeClient("sk_test_bench", base_addresses={"api": api})
    service = getattr(client.v1, name)
    with psycopg.connect(database) as cx:
        cx.execute(f"create table if not exists sdk_{name} (id text primary key, body jsonb not null)")
        cx.commit()
        began, count = time.perf_counter(), 0
        asked = {"limit": 100, **({"expand": ["data.source"]} if name == "balance_transactions" else {})}
        objects = service.list(asked).auto_paging_iter()
        while (batch := list(islice(objects, 100))) and time.perf_counter() - began < float(most_seconds):
            with cx.cursor() as cursor:
                rows = [(each.id, json.dumps(each.to_dict())) for each in batch]
                cursor.executemany(f"insert into sdk_{name} values (%s, %s) on conflict do nothing", rows)
            cx.commit()
            count += len(batch)
    print(json.dumps({"objects": count, "seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
