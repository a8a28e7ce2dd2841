"""Where the pages are: the navigation's groups, as data. A page that is added gets a line here, and its text in ``strings/nav.toml``.

Later pages (chat, disputes, failed payments, subscriptions, orders, tax) have their places in these groups: work beside the approvals, money
beside the payouts. Nothing is shown that does not exist.
"""

from __future__ import annotations

import msgspec

from bookhand.core.caller import Caller, Capability


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """One entry: its key names its text (``nav.books``), `go` is the letter that leads there after g."""

    key: str
    path: str
    icon: str
    go: str
    need: Capability = "read"
    badge: str | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Entries that stand together; the first group has no heading."""

    key: str | None
    rooms: tuple[Room, ...]


GROUPS = (
    Group(
        key=None,
        rooms=(
            Room(key="home", path="/", icon="home", go="h"),
            Room(key="approvals", path="/approvals", icon="checkbox", go="a", badge="approvals"),
        ),
    ),
    Group(
        key="money",
        rooms=(
            Room(key="books", path="/books", icon="book-2", go="b"),
            Room(key="payouts", path="/payouts", icon="building-bank", go="p"),
            Room(key="customers", path="/customers", icon="users", go="c"),
        ),
    ),
    Group(
        key="work",
        rooms=(
            Room(key="runs", path="/runs", icon="activity", go="r"),
            Room(key="actions", path="/actions", icon="bolt", go="x"),
        ),
    ),
    Group(
        key="house",
        rooms=(
            Room(key="integrations", path="/settings/integrations", icon="plug-connected", go="i"),
            Room(key="audit", path="/audit", icon="shield-check", go="t", need="audit"),
            Room(key="settings", path="/settings", icon="settings", go="s"),
        ),
    ),
)


def seen_by(caller: Caller) -> tuple[Group, ...]:
    """The groups with what `caller` may open."""
    kept = (
        Group(key=group.key, rooms=tuple(room for room in group.rooms if room.need in caller.can))
        for group in GROUPS
    )
    return tuple(group for group in kept if group.rooms)


def here(path: str) -> str | None:
    """The key of the entry that `path` belongs to: the one with the longest path that it begins with."""
    fitting = [
        room
        for group in GROUPS
        for room in group.rooms
        if path == room.path or (room.path != "/" and path.startswith(f"{room.path}/"))
    ]
    return max(fitting, key=lambda room: len(room.path)).key if fitting else None
