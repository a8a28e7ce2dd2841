"""The switches of every stand-in, under ``/_standin``; nobody is asked who they are, so keep it on loopback.

GET    /_standin                     {"name", "now", "calls", "statuses", "too_many", "faults", …}
POST   /_standin/clock               {"advance": 86400}
POST   /_standin/faults              {"kind": "429", "path": "*/batch", "times": 2}; "times": null is until cleared
DELETE /_standin/faults
POST   /_standin/latency             {"seconds": 0.15}
POST   /_standin/{a switch of its own}
"""

from __future__ import annotations

from typing import Any

import msgspec

from bookhand.sandbox.outside.standin import JSON, NotHere, Request, Response, StandIn, reply

PREFIX = "/_standin"
_TOO_MANY = 429


def controlled(stand_in: StandIn, request: Request) -> Response:
    """The answer of the switches."""
    switch = request.path.removeprefix(PREFIX).strip("/")
    try:
        return reply(_switched(stand_in, request, switch))
    except NotHere:
        return reply({"error": f"There is no switch {request.method} {request.path}."}, status=404)
    except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
        return reply({"error": str(error)}, status=400)


def _switched(stand_in: StandIn, request: Request, switch: str) -> Any:
    asked = _asked(request)
    match request.method, switch:
        case "GET", "":
            return status(stand_in)
        case "POST", "clock":
            stand_in.clock.advance(float(asked["advance"]))
            return {"now": stand_in.clock.now()}
        case "POST", "faults":
            return msgspec.to_builtins(stand_in.faults.add(**asked))
        case "DELETE", "faults":
            stand_in.faults.clear()
            return {}
        case "POST", "latency":
            stand_in.latency_seconds = float(asked["seconds"])
            return {"seconds": stand_in.latency_seconds}
        case "POST", _:
            return stand_in.control(switch, asked)
        case _:
            raise NotHere(switch)


def status(stand_in: StandIn) -> JSON:
    """What is here, and what it was asked."""
    return {
        "name": stand_in.name,
        "seed": stand_in.seed,
        "now": stand_in.clock.now(),
        "calls": dict(sorted(stand_in.calls.items())),
        "statuses": {str(code): count for code, count in sorted(stand_in.statuses.items())},
        "too_many": stand_in.statuses[_TOO_MANY],
        "faults": {
            "happened": stand_in.faults.happened,
            "waiting": msgspec.to_builtins(stand_in.faults.waiting),
        },
        **stand_in.told(),
    }


def _asked(request: Request) -> JSON:
    found = request.json() if request.body else {}
    if not isinstance(found, dict):
        raise TypeError("A switch takes a JSON object.")
    return found
