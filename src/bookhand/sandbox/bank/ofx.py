"""OFX as Quicken's banks write it (1.02, SGML without end tags, Windows-1252), and as newer ones do (2.2, XML)."""

from __future__ import annotations

from html import escape

from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.bank.money import plain

_NAME = 32


def ofx_sgml(account: BankAccount) -> bytes:
    """OFX 1.02; what Windows-1252 cannot write is a question mark, as there."""
    head = (
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\n"
        "COMPRESSION:NONE\r\nOLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
    )
    lines = "".join(
        "<STMTTRN>\r\n" + "".join(f"<{tag}>{escape(value, quote=False)}\r\n" for tag, value in _leaves(line, account)) + "</STMTTRN>\r\n"
        for line in account.lines
    )  # fmt: skip
    body = (
        "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS>"
        f"<DTSERVER>{_moment(account.last_day)}<LANGUAGE>ENG</SONRS></SIGNONMSGSRSV1>\r\n"
        "<BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>"
        f"<CURDEF>{account.currency}<BANKACCTFROM><BANKID>031001234<ACCTID>{escape(account.number, quote=False)}<ACCTTYPE>CHECKING</BANKACCTFROM>\r\n"
        f"<BANKTRANLIST><DTSTART>{_moment(account.first_day)}<DTEND>{_moment(account.last_day)}\r\n{lines}</BANKTRANLIST>\r\n"
        f"<LEDGERBAL><BALAMT>{plain(account.closing_minor, account.currency)}<DTASOF>{_moment(account.last_day)}</LEDGERBAL>"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\r\n"
    )
    return (head + body).encode("cp1252", "replace")


def ofx_xml(account: BankAccount) -> bytes:
    """OFX 2.2, in UTF-8."""
    lines = "".join(
        "<STMTTRN>" + "".join(f"<{tag}>{escape(value, quote=False)}</{tag}>" for tag, value in _leaves(line, account)) + "</STMTTRN>\n"
        for line in account.lines
    )  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
        '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
        "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
        f"<DTSERVER>{_moment(account.last_day)}</DTSERVER><LANGUAGE>ENG</LANGUAGE></SONRS></SIGNONMSGSRSV1>\n"
        f"<BANKMSGSRSV1><STMTTRNRS><TRNUID>1</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS><STMTRS><CURDEF>{account.currency}</CURDEF>"
        f"<BANKACCTFROM><BANKID>031001234</BANKID><ACCTID>{escape(account.number, quote=False)}</ACCTID><ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>\n"
        f"<BANKTRANLIST><DTSTART>{_moment(account.first_day)}</DTSTART><DTEND>{_moment(account.last_day)}</DTEND>\n{lines}</BANKTRANLIST>\n"
        f"<LEDGERBAL><BALAMT>{plain(account.closing_minor, account.currency)}</BALAMT><DTASOF>{_moment(account.last_day)}</DTASOF></LEDGERBAL>"
        "</STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>\n"
    ).encode()


def _leaves(line: BankLine, account: BankAccount) -> list[tuple[str, str]]:
    kind = "CREDIT" if line.minor >= 0 else "DEBIT"
    leaves = [
        ("TRNTYPE", kind),
        ("DTPOSTED", _moment(line.day) + "[-5:EST]"),
        ("TRNAMT", plain(line.minor, account.currency)),
        ("FITID", line.id),
    ]
    if line.reference:
        leaves.append(("REFNUM", line.reference))
    if line.counterparty:
        leaves.append(("NAME", line.counterparty[:_NAME]))
    leaves.append(("MEMO", line.description))
    return leaves


def _moment(day: str) -> str:
    return day.replace("-", "") + "120000"
