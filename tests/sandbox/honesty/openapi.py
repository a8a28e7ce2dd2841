"""Judges whole HTTP answers by a copy of Stripe's OpenAPI description, endpoint by endpoint.

The copy is not part of this repository: name one in `BOOKHAND_STRIPE_OPENAPI` (.json or .json.gz).
Stripe publishes it in github.com/stripe/openapi. A copy older than the SDK's API version lacks what came
since; those differences are listed in `SINCE`, each with its reason, and nothing else is forgiven.

    >>> Description.read(path).findings("GET", "/v1/payouts/po_1", 200, {"object": "payout"})
    [Finding(at='payout', says="'amount' is a required property", weight='wrong'), ...]
"""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from .shapes import Finding

ROOT = "stripe:"


@dataclass(frozen=True, slots=True)
class Difference:
    """What the SDK's newer version has and an older copy of the description has not."""

    at: str
    says: str
    why: str

    def covers(self, finding: Finding) -> bool:
        return bool(re.search(self.at, finding.at) and re.search(self.says, finding.says))


SINCE: tuple[Difference, ...] = (
    Difference(r"status$", r"'appeal_(needs_response|under_review)'", "dispute appeals came with 2026-10-28"),
)


class Description:
    """One OpenAPI file, ready to judge."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.version = str(document["info"]["version"])
        self._paths = document["paths"]
        schemas = {name: _plain(schema) for name, schema in document["components"]["schemas"].items()}
        resource = DRAFT202012.create_resource({"components": {"schemas": schemas}})
        self._registry: Registry[Any] = Registry().with_resource(ROOT, resource)
        self._validators: dict[tuple[str, str, str], Draft202012Validator] = {}

    @classmethod
    def read(cls, path: Path) -> Description:
        raw = path.read_bytes()
        return cls(json.loads(gzip.decompress(raw) if path.suffix == ".gz" else raw))

    @cached_property
    def _templates(self) -> list[tuple[re.Pattern[str], str]]:
        by_fewest_holes = sorted(self._paths, key=lambda path: (path.count("{"), path))
        return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), path) for path in by_fewest_holes]

    def template(self, method: str, path: str) -> str | None:
        """The description's own path for a concrete one, if it has that verb."""
        for pattern, template in self._templates:
            if pattern.match(path) and method.lower() in self._paths[template]:
                return template
        return None

    def findings(self, method: str, path: str, status: int, body: Any) -> list[Finding]:
        template = self.template(method, path)
        if template is None:
            return [Finding(f"{method} {path}", f"is no endpoint of {self.version}")]
        name = str(body.get("object", "error")) if isinstance(body, dict) else "body"
        validator = self._validator(method, template, status)
        found = [_finding(error, name) for error in validator.iter_errors(body)]
        return [f for f in found if not any(known.covers(f) for known in SINCE)]

    def _validator(self, method: str, template: str, status: int) -> Draft202012Validator:
        responses = self._paths[template][method.lower()]["responses"]
        code = str(status) if str(status) in responses else "default"
        key = (method, template, code)
        if key not in self._validators:
            schema = _plain(responses[code]["content"]["application/json"]["schema"])
            self._validators[key] = Draft202012Validator(schema, registry=self._registry)
        return self._validators[key]


def _finding(error: ValidationError, name: str) -> Finding:
    deepest = best_match([error], key=_depth) or error
    at = name + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in deepest.absolute_path)
    return Finding(at, deepest.message[:200])


def _depth(error: ValidationError) -> tuple[int, bool]:
    """The alternative that got furthest is the one that was meant."""
    return -len(error.absolute_path), error.validator not in {"anyOf", "oneOf"}


def _plain(schema: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: `nullable` becomes an alternative, references become absolute."""
    if isinstance(schema, list):
        return [_plain(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: (
            {name: _plain(inner) for name, inner in value.items()} if key == "properties" else _plain(value)
        )
        for key, value in schema.items()
        if not key.startswith("x-") and key not in {"nullable", "description", "title", "format", "example"}
    }
    if isinstance(plain.get("$ref"), str):
        plain["$ref"] = ROOT + plain["$ref"]
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain
