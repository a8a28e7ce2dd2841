"""The reconciliation statement as a file, in the form that is asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from bookhand.workflows.payouts.statement import Reconciliation
from bookhand.workflows.payouts.statement_page import as_pdf
from bookhand.workflows.payouts.statement_tables import as_csv, as_xlsx

Form = Literal["csv", "xlsx", "pdf"]
FORMS: Final[Mapping[str, str]] = {
    "csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "pdf": "application/pdf",
}  # fmt: skip
"""Form to its media type."""


def as_file(found: Reconciliation, form: Form) -> bytes:
    """The statement's bytes; CSV is UTF-8 with a mark at its beginning, by which spreadsheets know that it is."""
    match form:
        case "csv":
            return as_csv(found).encode("utf-8-sig")
        case "xlsx":
            return as_xlsx(found)
        case "pdf":
            return as_pdf(found)
