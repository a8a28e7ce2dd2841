"""A call of the catalogue as the request that Stripe is sent, pure: path, form, marker, upload.

>>> asked = asked_of(call=Call("POST", "/v1/customers/{customer}"), values={"customer": "cus_1", "name": "A"}, marker="c7")
>>> asked.path, asked.pairs
('/v1/customers/cus_1', (('name', 'A'), ('metadata[bookhand_call]', 'c7')))
>>> pairs_of({"items": [{"price": "price_1"}], "expand": ["customer"], "submit": False, "coupon": ""})
[('items[0][price]', 'price_1'), ('expand[0]', 'customer'), ('submit', 'false'), ('coupon', '')]
"""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urlencode

from urllib3.filepost import encode_multipart_formdata

from bookhand.core.action import MARKER, Call, Values, Way
from bookhand.core.problems import Bug, Refusal
from bookhand.systems.stripe.answers import clean

_FORM = "application/x-www-form-urlencoded"
_NAME = re.compile(r"\{(\w+)\}")
_IN_NAME = "-bookhand-"
"""What goes before the marker in a file's name, so that no name that a person chose is taken for it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it is sent."""

    filename: str
    content: bytes
    type: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: how, where, with which fields, and the file if there is one."""

    way: Way
    path: str
    pairs: tuple[tuple[str, str], ...]
    upload: Upload | None = None

    def __str__(self) -> str:
        """As sentences name it: ``POST /v1/refunds``."""
        return f"{self.way} {self.path}"

    @property
    def target(self) -> str:
        """The path with its query: a DELETE's fields go there, a POST's into the body."""
        return f"{self.path}?{urlencode(self.pairs)}" if self.way != "POST" and self.pairs else self.path

    def body(self) -> tuple[bytes | None, str | None]:
        """What is sent, and its type."""
        if self.way != "POST":
            return None, None
        if self.upload is None:
            return urlencode(self.pairs).encode(), _FORM
        file = self.upload
        return encode_multipart_formdata([*self.pairs, ("file", (file.filename, file.content, file.type))])


def asked_of(call: Call, values: Values, *, marker: str | None = None) -> Asked:
    """`values` put into `call`, with `marker` where the object takes one. `Refusal` for a file that is none."""
    path, rest = placed(call.path, {**values, **call.fixed})
    if call.upload:
        return _uploading(call, path, rest, marker)
    if marker is not None and call.marked and call.way == "POST":
        rest = _marked(rest, (call.deep or "metadata").split("."), marker)
    return Asked(call.way, path, tuple(pairs_of(rest)))


def placed(path: str, values: Values) -> tuple[str, dict[str, Any]]:
    """`path` with its ``{name}`` filled in, and the values that were not used for it."""
    names = _NAME.findall(path)
    missing = [name for name in names if not values.get(name)]
    if missing:
        raise Bug(f"The path {path} was to be filled in, and there is no {missing[0]}.")
    filled = _NAME.sub(lambda found: _step(str(values[found[1]])), path)
    return filled, {name: value for name, value in values.items() if name not in names}


def _step(value: str) -> str:
    if value in {".", ".."}:
        raise Refusal("An id of dots alone is none: nothing was asked.")
    return quote(value, safe="")


def pairs_of(values: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested values as Stripe's forms spell them; None is left out, an empty text unsets."""
    if values is None:
        return []
    if isinstance(values, Mapping):
        return [
            pair
            for key, value in values.items()
            for pair in pairs_of(value, f"{name}[{key}]" if name else str(key))
        ]
    if isinstance(values, list | tuple):
        return [pair for at, value in enumerate(values) for pair in pairs_of(value, f"{name}[{at}]")]
    return [(name, ("true" if values else "false") if isinstance(values, bool) else str(values))]


def flat(values: Values) -> dict[str, str]:
    """The same for a list's query: ``{"created": {"gte": 1}}`` is ``{"created[gte]": "1"}``."""
    return dict(pairs_of(values))


def cleaned(body: bytes) -> Any:
    """An answer's JSON without what looks like a key, a client secret or a code. ValueError for what is no JSON."""
    return json.loads(clean(body.decode()))


def carries(obj: Any, marker: str) -> bool:
    """Whether `obj` holds `marker`: in its metadata, or, for a file, in its name."""
    return marker_of(obj) == marker or (
        isinstance(obj, Mapping)
        and obj.get("object") == "file"
        and PurePosixPath(str(obj.get("filename") or "")).stem.endswith(f"{_IN_NAME}{marker}")
    )


def marker_of(obj: Any) -> str | None:
    """The marker that `obj` holds in its metadata."""
    told = obj.get("metadata") if isinstance(obj, Mapping) else None
    return told.get(MARKER) if isinstance(told, Mapping) else None


def _marked(values: Values, place: list[str], marker: str) -> dict[str, Any]:
    """`values` with the marker among the metadata at `place`."""
    here, *deeper = place
    inside = values.get(here)
    told = dict(inside) if isinstance(inside, Mapping) else {}
    return {**values, here: _marked(told, deeper, marker) if deeper else {**told, MARKER: marker}}


def _uploading(call: Call, path: str, values: dict[str, Any], marker: str | None) -> Asked:
    """Files take no metadata: the marker goes into the name."""
    name = PurePosixPath(str(values.pop("filename", "file")))
    try:
        content = base64.b64decode(str(values.pop("content_base64", "")), validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(f"The content of {name.name} is not Base64: nothing was sent.") from None
    if not content:
        raise Refusal(f"The file {name.name} is empty: nothing was sent.")
    sent_as = f"{name.stem}{_IN_NAME}{marker}{name.suffix}" if marker else name.name
    kind = mimetypes.guess_type(name.name)[0] or "application/octet-stream"
    return Asked(call.way, path, tuple(pairs_of(values)), Upload(sent_as, content, kind))
