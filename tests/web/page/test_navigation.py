"""Where the pages are: every entry leads to a page that is there, each letter is used once, and who may not open a page is not shown it."""

from __future__ import annotations

import pytest
from tests.web.api.conftest import caller
from tests.web.page.conftest import House

from bookhand.core.caller import ROLES
from bookhand.web.page import navigation
from bookhand.web.page.navigation import GROUPS, here
from bookhand.web.page.wording import knows

ROOMS = [room for group in GROUPS for room in group.rooms]


def test_keys_paths_and_letters_are_each_there_once():
    for what in ("key", "path", "go"):
        found = [getattr(room, what) for room in ROOMS]
        assert len(found) == len(set(found)), what
    assert {group.key for group in GROUPS if group.key} == {"money", "work", "house"}
    assert all(knows(f"nav.{room.key}") for room in ROOMS)
    assert all(knows(f"nav.{room.key}_wait") for room in ROOMS if room.badge)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/", "home"), ("/books", "books"), ("/books/journal/1", "books"), ("/settings", "settings"), ("/settings/people", "settings"),
        ("/settings/integrations", "integrations"), ("/settings/integrations/stripe", "integrations"), ("/bookshelf", None), ("/nowhere", None),
    ],
)  # fmt: skip
def test_where_a_page_belongs(path: str, key: str | None):
    assert here(path) == key


@pytest.mark.parametrize("role", ROLES)
def test_who_may_not_open_a_page_is_not_shown_it(role):
    who = caller(role)
    seen = [room for group in navigation.seen_by(who) for room in group.rooms]
    assert [room.key for room in seen] == [room.key for room in ROOMS if room.need in who.can]
    assert all(group.rooms for group in navigation.seen_by(who))


async def test_every_entry_leads_to_a_page(web: House):
    owner = await web.owner()
    for room in ROOMS:
        answer = await owner.get(room.path)
        assert answer.status_code == 200, room.path
        assert f'href="{room.path}"' in answer.text
        assert answer.text.count('aria-current="page"') >= 2, (
            room.path
        )  # on the side, and in the telephone's menu


async def test_entries_of_the_navigation_open_only_for_who_is_shown_them(web: House):
    owner = await web.owner()
    for role in ("viewer", "operator", "auditor"):
        somebody = await web.person(role, owner)
        for room in ROOMS:
            wanted = 200 if room.need in caller(role).can else 403
            assert (await somebody.get(room.path)).status_code == wanted, (role, room.path)
