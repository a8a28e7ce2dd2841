"""A fast list server: balance transactions or charges in Stripe's pages, from memory, to measure who reads them.

    python bench/list_server.py --port 12222 --count 100000 [--latency 0.15] [--expand]

The object number n of N has `created` spread evenly over a year and the id ``txn_`` + 24 digits, so a page is found by arithmetic.
"""

from __future__ import annotations

import argparse
import asyncio
import bisect
import re
from urllib.parse import parse_qs, unquote

BEGAN, YEAR = 1_758_464_000, 31_536_000

TRANSACTION = (
    '{"id":"txn_%024d","object":"balance_transaction","amount":2000,"available_on":%d,"balance_type":"payments","created":%d,'
    '"currency":"usd","description":"Subscription creation","exchange_rate":null,"fee":88,"fee_details":[{"amount":88,'
    '"application":null,"currency":"usd","description":"Stripe processing fees","type":"stripe_fee"}],"net":1912,'
    '"reporting_category":"charge","source":%s,"status":"available","type":"charge"}'
)
CHARGE = (
    '{"id":"ch_%024d","object":"charge","amount":2000,"amount_captured":2000,"amount_refunded":0,"application":null,'
    '"application_fee":null,"application_fee_amount":null,"balance_transaction":"txn_%024d","billing_details":{"address":{"city":null,'
    '"country":"US","line1":null,"line2":null,"postal_code":"94107","state":null},"email":"jenny@example.com","name":"Jenny Rosen",'
    '"phone":null,"tax_id":null},"calculated_statement_descriptor":"EXAMPLE","captured":true,"created":%d,"currency":"usd",'
    '"customer":"cus_000000000000000000000001","description":"Subscription creation","disputed":false,"failure_balance_transaction":null,'
    '"failure_code":null,"failure_message":null,"fraud_details":{},"livemode":false,"metadata":{},"on_behalf_of":null,"outcome":'
    '{"network_status":"approved_by_network","reason":null,"risk_level":"normal","risk_score":12,"seller_message":"Payment complete.",'
    '"type":"authorized"},"paid":true,"payment_intent":"pi_%024d","payment_method":"pm_000000000000000000000001",'
    '"payment_method_details":{"card":{"amount_authorized":2000,"brand":"visa","checks":{"address_line1_check":null,'
    '"address_postal_code_check":"pass","cvc_check":"pass"},"country":"US","exp_month":8,"exp_year":2030,"fingerprint":"Xt5EWLLDS7FJjR1c",'
    '"funding":"credit","installments":null,"last4":"4242","network":"visa","wallet":null},"type":"card"},"receipt_email":null,'
    '"receipt_number":null,"receipt_url":"https://pay.stripe.com/receipts/x","refunded":false,"review":null,"shipping":null,"source":null,'
    '"source_transfer":null,"statement_descriptor":null,"statement_descriptor_suffix":null,"status":"succeeded","transfer_data":null,'
    '"transfer_group":null}'
)


def transaction(number: int, created: int, *, expand: bool) -> bytes:
    source = charge(number, created).decode() if expand else f'"ch_{number:024d}"'
    return (TRANSACTION % (number, created + 172_800, created, source)).encode()


def charge(number: int, created: int) -> bytes:
    return (CHARGE % (number, number, created, number)).encode()


class Lists:
    """The lists by path, oldest first."""

    def __init__(self, count: int, *, expand: bool) -> None:
        self.created = [BEGAN + n * YEAR // count for n in range(count)]
        self.rows = {
            "/v1/balance_transactions": [
                transaction(n, at, expand=expand) for n, at in enumerate(self.created)
            ],
            "/v1/charges": [charge(n, at) for n, at in enumerate(self.created)],
        }

    def page(self, path: str, query: dict[str, list[str]]) -> bytes:
        rows = self.rows.get(path, [])
        if not rows:
            return b'{"object":"list","data":[],"has_more":false}'
        start = (
            bisect.bisect_left(self.created, int(query["created[gte]"][0])) if "created[gte]" in query else 0
        )
        end = len(rows)
        if "created[lt]" in query:
            end = bisect.bisect_left(self.created, int(query["created[lt]"][0]))
        if "created[lte]" in query:
            end = bisect.bisect_right(self.created, int(query["created[lte]"][0]))
        if "starting_after" in query:
            end = min(end, int(query["starting_after"][0].partition("_")[2]))
        first = max(start, end - int(query.get("limit", ["10"])[0]))
        more = b"true" if first > start else b"false"
        return b'{"object":"list","data":[%s],"has_more":%s}' % (b",".join(rows[first:end][::-1]), more)


class Server(asyncio.Protocol):
    """HTTP/1.1, GET only, kept alive."""

    def __init__(self, lists: Lists, latency: float) -> None:
        self.lists, self.latency = lists, latency
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head, self.buffer = self.buffer[:end], self.buffer[end + 4 :]
            found = re.match(rb"GET (\S+) ", head)
            path, _, query = (found[1].decode() if found else "/").partition("?")
            body = self.lists.page(path, parse_qs(unquote(query)))
            answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (
                len(body),
                body,
            )
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)
            else:
                self.transport.write(answer)


async def serve(port: int, count: int, *, latency: float, expand: bool) -> None:
    lists = Lists(count, expand=expand)
    server = await asyncio.get_running_loop().create_server(lambda: Server(lists, latency), "127.0.0.1", port)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--port", type=int, default=12222)
    options.add_argument("--count", type=int, default=100_000)
    options.add_argument("--latency", type=float, default=0)
    options.add_argument("--expand", action="store_true")
    chosen = options.parse_args()
    asyncio.run(serve(chosen.port, chosen.count, latency=chosen.latency, expand=chosen.expand))


if __name__ == "__main__":
    main()
