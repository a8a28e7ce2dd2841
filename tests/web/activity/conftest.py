"""The pages of runs over a real door."""

from tests.web.approvals.conftest import (  # noqa: F401 (fixtures)
    allow,
    asked,
    clock,
    connected,
    door,
    engine,
    kit,
    performer,
    runs,
    secrets,
    server,
    shop,
    url,
    web,
)
