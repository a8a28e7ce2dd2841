"""A performer over real HTTP, on a connection in a real database, with the stand-in Stripe behind it."""

from __future__ import annotations

import pytest

from bookhand.systems.stripe.acting_client import StripePerformer
from bookhand.systems.stripe.auth import connect_with_key
from bookhand.systems.stripe.client import Patience
from bookhand.systems.stripe.performing.looking_client import Patient
from bookhand.systems.stripe.performing.sending_client import Times

QUICK = Patience(tries=3, first_seconds=0.01, longest_seconds=0.02, read_seconds=2, come_back_seconds=60)
FAST = {"account": 500, "endpoint": 500, "search": 500, "files:read": 500, "files:write": 500}


@pytest.fixture
def connected(db, secrets, engine, url):
    return connect_with_key(db, secrets, engine.keys().test, base_url=url, limits=FAST)


@pytest.fixture
def performing(db, secrets):
    """Makes performers: ``performing(patient=…)``."""
    made = []

    def make(**how):
        settings = {
            "patience": QUICK,
            "times": Times(answer_seconds=1),
            "patient": Patient(settled_seconds=0),
        }
        made.append(StripePerformer(db, secrets, **(settings | how)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def performer(performing):
    return performing()
