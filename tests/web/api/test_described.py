"""What the description promises, tried with requests made from it: no answer is a fault, and every answer has the shape that was told.

Seeded and bounded. The tokens are real ones of the workspace's people, through the real gate, with the routes about people as well.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.web.api.conftest import caller

from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.core.caller import CAPABILITIES
from bookhand.web.api import books as books_api
from bookhand.web.api import people as people_api
from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.web.people.gate import Reception
from bookhand.wiring import note
from bookhand.workspace.people import session_store
from bookhand.workspace.people.sign_in_workflow import SignIn

_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_EXAMPLES = 12
_CALM = settings(
    max_examples=_EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
_LEFT_OUT = {"PUT /me/password", "POST /me/totp", "PUT /me/totp", "POST /session"}
"""Each try of these costs a password's hash (by design slow), or would sign the token's owner out."""


@pytest.fixture
def web(db, door, secrets, shop, runs) -> tuple[Any, str]:
    """The whole web with sign-in, and the token of an owner."""
    reception = Reception(SignIn(db, secrets, note))
    app = create_app(
        db, reception=reception, api=create_api(door, authenticate=reception.caller, more=[people_api.of(reception), books_api.of(BookRoom(BookKit(db=db, door=door, books={})))])
    )  # fmt: skip
    with db.transaction() as cx:
        row = cx.execute(
            "insert into person (workspace_id, email, name, role, created_at) values (1, 'ada@example.com', 'Ada', 'owner', now()) returning person_id"
        ).fetchone()
        owner = caller("owner", number=row[0])
        _, token = session_store.make_token(
            cx, owner, "test", CAPABILITIES, days=1, now=datetime.now(UTC), note=note
        )
    return app, token


def _operations(app: Any, headers: dict[str, str]) -> list[Any]:
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers=headers)
    found = [each.ok() for each in schema.get_all_operations()]
    return [each for each in found if f"{each.method.upper()} {each.path}" not in _LEFT_OUT]


@pytest.mark.parametrize("signed_in", [True, False])
def test_requests_made_from_the_description(web, signed_in) -> None:
    app, token = web
    headers = {"host": "localhost:8787", "authorization": f"Bearer {token}"}
    operations = _operations(app, headers)
    assert len(operations) > 40
    if not signed_in:
        del headers["authorization"]
    codes: set[int] = set()

    for operation in operations:

        @_CALM
        @given(case=operation.as_strategy())
        def tried(case: Any) -> None:
            response = case.call(headers=headers)
            codes.add(response.status_code)
            case.validate_response(response, checks=_CHECKS)
            if not signed_in:
                assert response.status_code in {401, 413}, (case.method, case.path)

        tried()
    assert not signed_in or {200, 404, 422} <= codes


def test_every_example_of_the_description_can_be_sent(web) -> None:
    from tests.web.api.conftest import Api

    app, token = web
    api = Api(app)
    api.client.headers["authorization"] = f"Bearer {token}"
    openapi = api.get("/openapi.json").json()
    sent = 0
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            schema = (
                operation.get("requestBody", {})
                .get("content", {})
                .get("application/json", {})
                .get("schema", {})
            )
            name = schema.get("$ref", "").rpartition("/")[2]
            for example in openapi["components"]["schemas"].get(name, {}).get("examples", ()):
                place = path.replace("{name}", "charges.list").replace("{number}", "1")
                answer = api.call(method.upper(), re.sub(r"\{\w+_id\}", "some_1", place), example)
                assert answer.status_code < 500, (path, answer.text)
                assert "invalid" not in answer.text.partition("message")[0], (path, answer.text)
                sent += 1
    assert sent > 15
