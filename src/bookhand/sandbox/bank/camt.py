"""CAMT.053 as European banks write it: .001.02 with names straight in the parties, .001.08 with ``Pty`` and codes for states."""

from __future__ import annotations

from html import escape
from typing import Literal

from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.bank.money import plain


def camt053(account: BankAccount, *, version: Literal["02", "08"]) -> bytes:
    """One message with one statement."""
    entries = "".join(_entry(line, account.currency, version) for line in account.lines)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M{account.statement_no}</MsgId><CreDtTm>{account.last_day}T23:00:00</CreDtTm></GrpHdr>\n"
        f"<Stmt><Id>S{account.statement_no}</Id><ElctrncSeqNb>{account.statement_no}</ElctrncSeqNb><CreDtTm>{account.last_day}T23:00:00</CreDtTm>"
        f"<Acct><Id>{_account_id(account.number)}</Id><Ccy>{account.currency}</Ccy></Acct>\n"
        f"{_balance('OPBD', account.opening_minor, account.currency, account.first_day)}"
        f"{_balance('CLBD', account.closing_minor, account.currency, account.last_day)}\n{entries}"
        "</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _account_id(number: str) -> str:
    if number[:2].isalpha() and number[2:4].isdigit():
        return f"<IBAN>{number}</IBAN>"
    return f"<Othr><Id>{escape(number, quote=False)}</Id></Othr>"


def _balance(code: str, minor: int, currency: str, day: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(minor, currency)}{_side(minor)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _amount(minor: int, currency: str) -> str:
    return f'<Amt Ccy="{currency}">{plain(minor, currency, sign=False)}</Amt>'


def _side(minor: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if minor >= 0 else 'DBIT'}</CdtDbtInd>"


def _entry(line: BankLine, currency: str, version: str) -> str:
    state = "<Sts>BOOK</Sts>" if version == "02" else "<Sts><Cd>BOOK</Cd></Sts>"
    reversal = "<RvslInd>true</RvslInd>" if line.reversal else ""
    value = f"<ValDt><Dt>{line.value_day}</Dt></ValDt>" if line.value_day else ""
    parts = line.parts or ((line.minor, line.reference),)
    details = "".join(_detail(line, minor, reference, currency, version) for minor, reference in parts)
    batch = f"<Btch><NbOfTxs>{len(parts)}</NbOfTxs></Btch>" if len(parts) > 1 else ""
    return (
        f"<Ntry>{_amount(line.minor, currency)}{_side(line.minor)}{reversal}{state}<BookgDt><Dt>{line.day}</Dt></BookgDt>{value}"
        f"<AcctSvcrRef>{escape(line.id, quote=False)}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls>{batch}{details}</NtryDtls></Ntry>\n"
    )


def _detail(line: BankLine, minor: int, reference: str, currency: str, version: str) -> str:
    refs = f"<Refs><EndToEndId>{escape(reference, quote=False) or 'NOTPROVIDED'}</EndToEndId></Refs>"
    sent = ""
    if line.sent_minor is not None and line.sent_currency:
        sent = f"<InstdAmt>{_amount(line.sent_minor, line.sent_currency)}</InstdAmt>"
    amounts = f"<AmtDtls>{sent}<TxAmt>{_amount(minor, currency)}</TxAmt></AmtDtls>"
    if version == "08":
        amounts = f"{_amount(minor, currency)}{_side(minor)}" + (f"<AmtDtls>{sent}</AmtDtls>" if sent else "")
    party = ""
    if line.counterparty:
        name = f"<Nm>{escape(line.counterparty, quote=False)}</Nm>"
        side = "Dbtr" if minor >= 0 else "Cdtr"
        party = f"<RltdPties><{side}>{name if version == '02' else f'<Pty>{name}</Pty>'}</{side}></RltdPties>"
    text = (
        f"<RmtInf><Ustrd>{escape(line.description, quote=False)}</Ustrd></RmtInf>" if line.description else ""
    )
    return f"<TxDtls>{refs}{amounts}{party}{text}</TxDtls>"
