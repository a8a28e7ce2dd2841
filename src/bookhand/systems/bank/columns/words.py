"""What banks call their columns, in the languages of their exports. Pure data; a name decides only where the column's content agrees."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SAID: dict[str, str] = {
    "value_date": "value date|value dt|valuta|valutadatum|wertstellung|wertstellungsdatum|date de valeur|date valeur|fecha valor|data valuta|rentedatum|interest date",
    "date": "date|txn date|tran date|booking date|transaction date|posting date|posted|posted date|post date|trans date|completed date|date completed|entry date|"
    "buchungstag|buchungsdatum|buchung|datum|date operation|date comptable|fecha|fecha operacion|data|data contabile|data operazione|"
    "boekdatum|bokforingsdag|bogforingsdato|transaktionsdatum",
    "money_in": "credit|credits|credit amount|paid in|money in|amount in|deposit|deposits|deposit amount|deposit amt|credit amt|cr amount|received|haben|gutschrift|"
    "eingang|entree|abono|accrediti|avere|bij|receipts",
    "money_out": "debit|debits|debit amount|paid out|money out|amount out|withdrawal|withdrawals|withdrawal amount|withdrawal amt|debit amt|dr amount|spent|soll|belastung|"
    "lastschrift|ausgang|sortie|cargo|addebiti|dare|af|payments",
    "direction": "debit/credit|credit/debit|debit or credit|dr/cr|cr/dr|d/c|c/d|credit debit indicator|credit/debit indicator|type|"
    "transaction type|soll/haben|s/h|sens|af bij|direction|sign|vorzeichen|indicator",
    "balance": "balance|running balance|running bal|account balance|closing balance|saldo|saldo nach buchung|kontostand|solde|balance after|available balance|new balance",
    "amount": "amount|transaction amount|net amount|betrag|umsatz|montant|importe|importo|bedrag|belopp|belob|amount (account currency)|value|sum",
    "fee": "fee|fees|total fees|transaction fee|commission|charges",
    "currency": "currency|currency code|ccy|wahrung|waehrung|devise|moneda|divisa|valuta|munt|account currency",
    "counterparty": "name|payee|payer|beneficiary|counterparty|counterparty name|auftraggeber|empfanger|beguenstigter/zahlungspflichtiger|"
    "begunstigter/zahlungspflichtiger|name zahlungsbeteiligter|tegenpartij|naam tegenpartij|naam / omschrijving|beneficiaire|merchant|merchant name",
    "native_id": "transaction id|unique id|unique transaction id|transaction number|id|fitid|umsatz-id|transactie id",
    "reference": "reference|ref|reference number|bank reference|customer reference|end to end id|end-to-end id|end to end reference|kundenreferenz|"
    "kundenreferenz (end-to-end)|mandatsreferenz|glaeubiger id|glaubiger id|check number|cheque number|check or slip #|check #|trace number|referenz|referencia|kenmerk",
    "description": "description|transaction description|details|transaction details|narrative|narration|memo|purpose|particulars|remarks|note|notes|information|"
    "verwendungszweck|buchungstext|libelle|libelle operation|concepto|descripcion|descrizione|causale|omschrijving|mededelingen|text|extended description",
    "account": "account|account number|iban|konto|kontonummer|auftragskonto|iban auftragskonto|rekening|cuenta|compte|account id|own account",
}
ROLE: dict[str, tuple[str, ...]] = {}
for _role, _names in _SAID.items():
    for _name in _names.split("|"):
        ROLE[_name] = (*ROLE.get(_name, ()), _role)

WAYS: tuple[tuple[str, str], ...] = (
    ("c", "d"), ("cr", "dr"), ("credit", "debit"), ("crdt", "dbit"), ("in", "out"), ("h", "s"), ("haben", "soll"), ("bij", "af"),
    ("+", "-"), ("deposit", "withdrawal"), ("incoming", "outgoing"), ("money in", "money out"), ("gutschrift", "belastung"),
    ("gutschrift", "lastschrift"), ("credito", "debito"), ("avere", "dare"),
)  # fmt: skip
"""Words for money in and money out, as they stand in a column of directions."""
STATUS = frozenset(
    [
        "status",
        "state",
        "booking status",
        "transaction status",
        "payment status",
        "umsatzstatus",
        "statut",
        "estado",
        "stato",
    ]
)
"""Names of a column that says whether a row is booked."""
NOT_BOOKED = frozenset(
    ["pending", "processing", "in process", "authorised", "authorized", "reserved", "hold", "on hold", "scheduled", "vorgemerkt", "en cours", "en attente", "pendiente", "in attesa", "declined", "rejected", "failed", "cancelled", "canceled", "reverted"]
)  # fmt: skip
"""What it says of rows that moved no money, or have not yet."""
IN_WORDS = frozenset(came for came, _ in WAYS)
OUT_WORDS = frozenset(went for _, went in WAYS)


def with_others(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words for in and for out that go with those seen: a file with ``CR`` alone has ``DR`` some other month."""
    seen = set(words)
    pairs = [pair for pair in WAYS if seen & set(pair)]
    return tuple(dict.fromkeys(came for came, _ in pairs)), tuple(dict.fromkeys(went for _, went in pairs))


def plain(name: str) -> str:
    """A column's name without accents, capitals, a currency in brackets and signs at its ends."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    bare = re.sub(r"[(\[]\s*(?:[a-z]{3}|[$])\s*[)\]]", "", bare)
    bare = re.sub(r"[_\s]+", " ", bare).strip(" .:*#")
    return (
        bare if bare in ROLE else re.sub(r"\s(?:usd|eur|gbp|chf|jpy|cad|aud|in usd|in eur|in gbp)$", "", bare)
    )


def roles_of(name: str) -> tuple[str, ...]:
    """The roles that a column's name speaks for, the likeliest first."""
    bare = plain(name)
    if bare in ROLE:
        return ROLE[bare]
    without = re.sub(r"\s*\(\d+\)$", "", bare)
    return ROLE.get(without, ())
