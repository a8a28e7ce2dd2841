"""Files as banks really write them, each awkward in its own way; made up, after what banks' files look like."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Refusal
from bookhand.systems.bank.formats import camt as camt_format
from bookhand.systems.bank.reading import Reading, Table, read


def statements(text: str | bytes) -> tuple[Statement, ...]:
    found = read(text.encode() if isinstance(text, str) else text)
    assert isinstance(found, Reading)
    return found.statements


def lines(text: str | bytes) -> tuple[StatementLine, ...]:
    return tuple(line for statement in statements(text) for line in statement.lines)


def money(text: str | bytes) -> list[tuple[str, int, str]]:
    return [(line.day, line.minor, line.currency) for line in lines(text)]


# --- OFX ---

OFX = """OFXHEADER:100
DATA:OFXSGML
VERSION:102
ENCODING:USASCII
CHARSET:1252

<OFX><BANKMSGSRSV1><STMTTRNRS><TRNUID>1<STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS><CURDEF>{currency}
<BANKACCTFROM><BANKID>1<ACCTID>123-45<ACCTTYPE>CHECKING</BANKACCTFROM><BANKTRANLIST><DTSTART>20261101<DTEND>20261130
{lines}
</BANKTRANLIST><LEDGERBAL><BALAMT>100.00<DTASOF>20261130</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def ofx(*rows: str, currency: str = "USD") -> str:
    return OFX.format(
        lines="\n".join(f"<STMTTRN><TRNTYPE>CREDIT{row}</STMTTRN>" for row in rows), currency=currency
    )


def two_statements(change: tuple[str, str]) -> str:
    """Two statements in one file, the second as the first with `change`."""
    text = ofx("<DTPOSTED>20261102<TRNAMT>1.00<FITID>1")
    begin, end = text.index("<STMTTRNRS>"), text.index("</BANKMSGSRSV1>")
    assert change[0] in text[begin:end]
    return text[:end] + text[begin:end].replace(*change) + text[end:]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("CHECKING", "SAVINGS"), "ACCTTYPE CHECKING and SAVINGS"), (("<BANKID>1<", "<BANKID>2<"), "BANKID 1 and 2"),
        (("STMTRS>", "STMTRS>"), None), (("CHECKING", "Checking"), None), (("<ACCTTYPE>CHECKING", ""), None),
        (("123-45<ACCTTYPE>CHECKING", "123-46<ACCTTYPE>SAVINGS"), None),
    ],
)  # fmt: skip
def test_ofx_number_of_two_accounts_in_one_file_is_refused(change: tuple[str, str], says: str | None) -> None:
    text = two_statements(change)
    if says is None:
        assert len(statements(text)) == 2
        return
    with pytest.raises(
        Refusal, match=rf"Line \d+ of the OFX file: the number 123-45 .*\({says}\).* by itself"
    ):
        read(text.encode())


def test_ofx_number_of_an_account_and_a_card_in_one_file_is_refused() -> None:
    card = (
        "</BANKMSGSRSV1><CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>USD<CCACCTFROM><ACCTID>123-45</CCACCTFROM>"
        "<BANKTRANLIST></BANKTRANLIST></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1>"
    )
    text = ofx("<DTPOSTED>20261102<TRNAMT>1.00<FITID>1").replace("</BANKMSGSRSV1>", card)
    with pytest.raises(Refusal, match="ACCTTYPE CHECKING and CREDITCARD"):
        read(text.encode())
    assert len(statements(text.replace("<CCACCTFROM><ACCTID>123-45", "<CCACCTFROM><ACCTID>4111"))) == 2


def test_ofx_days_do_not_move_with_their_zones() -> None:
    days = (
        "20261102",
        "20261102000000",
        "20261102000000[+9:JST]",
        "20261102233000.000[-5:EST]",
        "202611020000[0:GMT]",
    )
    text = ofx(*(f"<DTPOSTED>{day}<TRNAMT>1.00<FITID>{n}" for n, day in enumerate(days)))
    assert {day for day, _, _ in money(text)} == {"2026-11-02"}


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [
        ("12.5", "USD", 1250), ("-12,50", "EUR", -1250), ("1.234,56", "EUR", 123456), ("1,234.56", "USD", 123456), ("+7", "USD", 700),
        ("500", "JPY", 500), ("500.00", "JPY", 500), ("1.250", "KWD", 1250), ("10", "ISK", 1000), ("-.50", "USD", -50),
        ("1,234,567.89", "USD", 123456789), ("12.5000", "USD", 1250),
    ],
)  # fmt: skip
def test_ofx_amounts(written, currency, minor) -> None:
    assert money(ofx(f"<DTPOSTED>20261102<TRNAMT>{written}<FITID>1", currency=currency)) == [
        ("2026-11-02", minor, currency)
    ]


@pytest.mark.parametrize(
    "written",
    [
        "1,234",
        "1,000",
        "-2.500",
        "12.345",
        "1.23,456.7",
        "1,23.45",
        "12a",
        "",
        "1e3",
        "--5",
        "1 000.00",
        "NaN",
        "∞",
    ],
)
def test_ofx_amounts_that_are_in_doubt_are_refused_with_their_line(written) -> None:
    with pytest.raises(Refusal, match="Line 9 of the OFX file"):
        read(ofx(f"<DTPOSTED>20261102<TRNAMT>{written}<FITID>1").encode())


def test_ofx_thousands_without_decimals_are_no_single_units() -> None:
    with pytest.raises(Refusal, match="between thousands"):
        read(ofx("<DTPOSTED>20261102<TRNAMT>1,000<FITID>1", currency="JPY").encode())
    with pytest.raises(Refusal, match="between thousands"):
        read(
            ofx("<DTPOSTED>20261102<TRNAMT>1.00<FITID>1").replace("100.00<DTASOF", "100,000<DTASOF").encode()
        )


@pytest.mark.parametrize(
    "change", [("</BANKTRANLIST>", ""), ("<STMTTRN>", "<b:STMTTRN>")], ids=["no end of the list", "prefixed"]
)
def test_ofx_lines_that_cannot_be_told_apart_are_never_left_out(change: tuple[str, str]) -> None:
    text = ofx("<DTPOSTED>20261102<TRNAMT>1.00<FITID>1", "<DTPOSTED>20261103<TRNAMT>5.00<FITID>2")
    head, _, tail = text.rpartition("</STMTTRN>")  # of the last line the end is missing
    with pytest.raises(Refusal, match="2 lines"):
        read((head + tail).replace(*change).encode())


def test_ofx_lines_without_an_id_and_with_the_same_id() -> None:
    same = "<DTPOSTED>20261103<TRNAMT>-7.00<NAME>FEE"
    found = lines(
        ofx(same, same, "<DTPOSTED>20261104<TRNAMT>1<FITID>9<NAME>A", "<DTPOSTED>20261104<TRNAMT>1<FITID>9<NAME>B", "<DTPOSTED>20261105<TRNAMT>1<FITID>9<NAME>A")
    )  # fmt: skip
    assert len({line.key for line in found}) == 5
    repeated = statements(
        ofx("<DTPOSTED>20261104<TRNAMT>1<FITID>9<NAME>A", "<DTPOSTED>20261104<TRNAMT>1<FITID>9<NAME>A")
    )[0]
    assert len(repeated.lines) == 1
    assert "stands twice" in repeated.warnings[0]


def test_ofx_text_in_any_encoding() -> None:
    text = ofx("<DTPOSTED>20261102<TRNAMT>1<FITID>1<NAME>Café Zoë &amp; Söhne<MEMO>x &lt;3")
    for encoding in ("cp1252", "utf-8", "utf-8-sig", "latin-1", "utf-16"):
        assert lines(text.encode(encoding))[0].description == "Café Zoë & Söhne x <3"
    cyrillic = ofx("<DTPOSTED>20261102<TRNAMT>1<FITID>1<NAME>Привет").replace("CHARSET:1252", "CHARSET:1251")
    assert lines(cyrillic.encode("cp1251"))[0].description == "Привет"


def test_ofx_xml_with_everything_a_line_can_have() -> None:
    text = """<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE"?>
<OFX><CREDITCARDMSGSRSV1><CCSTMTTRNRS><CCSTMTRS><CURDEF>USD</CURDEF><CCACCTFROM><ACCTID>4111</ACCTID></CCACCTFROM>
<BANKTRANLIST><STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20261102</DTPOSTED><DTAVAIL>20261104</DTAVAIL><TRNAMT>-12.00</TRNAMT>
<FITID>F1</FITID><CHECKNUM>77</CHECKNUM><REFNUM>R1</REFNUM><PAYEE><NAME>ACME</NAME><CITY>X</CITY></PAYEE><MEMO><![CDATA[a & b <c>]]></MEMO>
<ORIGCURRENCY><CURRATE>1.1</CURRATE><CURSYM>EUR</CURSYM></ORIGCURRENCY></STMTTRN><STMTTRN><TRNTYPE>XFER</TRNTYPE><DTPOSTED>20261103</DTPOSTED>
<TRNAMT>1.00</TRNAMT><FITID>F2</FITID><CORRECTFITID>F1</CORRECTFITID><CORRECTACTION>DELETE</CORRECTACTION><NAME/></STMTTRN></BANKTRANLIST>
<LEDGERBAL><BALAMT>-11.00</BALAMT><DTASOF>20261104</DTASOF></LEDGERBAL></CCSTMTRS></CCSTMTTRNRS></CREDITCARDMSGSRSV1></OFX>"""
    [statement] = statements(text)
    first = statement.lines[0]
    assert (statement.account, statement.closing_minor, first.value_day, first.counterparty) == (
        "4111",
        -1100,
        "2026-11-04",
        "ACME",
    )
    assert (first.references, first.original_currency, first.description) == (
        ("F1", "77", "R1"),
        "EUR",
        "ACME a & b <c>",
    )
    assert "corrects line F1" in statement.warnings[0]


def test_ofx_that_was_cut_off_or_is_an_error() -> None:
    with pytest.raises(Refusal, match="cut off"):
        read(ofx("<DTPOSTED>20261102<TRNAMT>1<FITID>1")[:-20].encode())
    with pytest.raises(Refusal, match="code 2000, Sorry"):
        read(ofx().replace("<CODE>0<SEVERITY>INFO", "<CODE>2000<SEVERITY>ERROR<MESSAGE>Sorry").encode())
    with pytest.raises(Refusal, match="ACCTID"):
        read(ofx().replace("<ACCTID>123-45", "").encode())


# --- CAMT.053 ---

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<{p}Document xmlns{c}="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<{p}BkToCstmrStmt><{p}GrpHdr><{p}MsgId>1</{p}MsgId></{p}GrpHdr>{body}</{p}BkToCstmrStmt></{p}Document>"""
STMT = """<Stmt><Id>{id}</Id><Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>EUR</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>{first}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">10.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Dt><Dt>2026-11-02</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{closing}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><DtTm>2026-11-03T23:59:59+01:00</DtTm></Dt></Bal>
{entries}</Stmt>"""


def camt(
    *entries: str,
    version: str = "08",
    prefix: str = "",
    closing: str = "0",
    first: str = "OPBD",
    id_: str = "1",
) -> str:
    body = STMT.format(entries="".join(entries), closing=closing, first=first, id=id_)
    if prefix:
        body = body.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
    return CAMT.format(
        body=body, version=version, p=f"{prefix}:" if prefix else "", c=f":{prefix}" if prefix else ""
    )


def entry(
    amount: str,
    side: str = "CRDT",
    *,
    details: str = "",
    more: str = "",
    status: str = "<Sts><Cd>BOOK</Cd></Sts>",
    ref: str = "R1",
) -> str:
    return (
        f'<Ntry><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}{status}<BookgDt><Dt>2026-11-02+01:00</Dt></BookgDt>'
        f"<ValDt><DtTm>2026-11-03T00:30:00Z</DtTm></ValDt><AcctSvcrRef>{ref}</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
    )  # fmt: skip


@pytest.mark.parametrize("version", ["02", "04", "06", "08", "13"])
@pytest.mark.parametrize("prefix", ["", "ns2", "Doc"])
def test_camt_of_every_version_and_prefix(version, prefix) -> None:
    status = "<Sts>BOOK</Sts>" if version < "08" else "<Sts><Cd>BOOK</Cd></Sts>"
    [statement] = statements(
        camt(entry("30.00", status=status), version=version, prefix=prefix, closing="20.00")
    )
    assert (statement.off_by, statement.opening_minor, statement.account) == (
        0,
        -1000,
        "DE02120300000000202051",
    )
    assert (statement.lines[0].day, statement.lines[0].value_day) == ("2026-11-02", "2026-11-03")
    assert statement.lines[0].raw.startswith(f"<{prefix + ':' if prefix else ''}Ntry>")


SENT = '<TxDtls><AmtDtls><InstdAmt><Amt Ccy="USD">-2.00</Amt></InstdAmt></AmtDtls></TxDtls>'
PART = '<TxDtls><Refs><EndToEndId>E9</EndToEndId></Refs><Amt Ccy="EUR">-5.00</Amt></TxDtls>'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (camt(entry("5"), entry("-1.50", "DBIT", ref="R77")), "entry R77 of 2026-11-02.* has the amount '-1.50'"),
        (camt(entry("5"), entry(" -1.50 ", "CRDT", ref="")), "entry without a reference of 2026-11-02.* has the amount '-1.50'"),
        (camt(entry("5", ref="R77", details=PART)), "entry R77 .*, in its payment E9, has the amount '-5.00'"),
        (camt(entry("5", ref="R77", details=SENT)), r"entry R77 .*, in what was sent \(InstdAmt\), has the amount '-2.00'"),
        (camt(entry("5"), closing="-5.00"), "balance CLBD has the amount '-5.00'"),
    ],
    ids=["entry", "without a reference", "payment", "sent", "balance"],
)  # fmt: skip
def test_camt_amount_with_a_minus_sign_is_refused_by_its_name(text, says) -> None:
    with pytest.raises(
        Refusal, match=rf"Line \d+ of the CAMT.053 file: {says}, but CAMT.053 allows no minus"
    ):
        read(text.encode())


def test_camt_amount_with_a_plus_sign_or_of_nothing_is_what_the_schema_allows() -> None:
    assert [line.minor for line in lines(camt(entry("+1.50", "DBIT"), entry("-0.00", ref="R2")))] == [-150, 0]


def test_camt_reversals_say_themselves_which_way_they_go() -> None:
    found = lines(
        camt(
            entry("5.00", "DBIT", more="<RvslInd>true</RvslInd>"),
            entry("5.00", "CRDT", more="<RvslInd>1</RvslInd>", ref="R2"),
        )
    )
    assert [(line.minor, line.reversal) for line in found] == [(-500, True), (500, True)]


def test_camt_batches_with_and_without_amounts() -> None:
    def detail(amount: str, e2e: str, side: str = "") -> str:
        return f"<TxDtls><Refs><EndToEndId>{e2e}</EndToEndId></Refs>{amount}{side}<RmtInf><Ustrd>a</Ustrd><Ustrd>b {e2e}</Ustrd></RmtInf></TxDtls>"

    told = "<Amt Ccy='EUR'>{}</Amt><CdtDbtInd>{}</CdtDbtInd>"
    whole = (
        detail(told.format("70", "CRDT"), "po_1")
        + detail(told.format("40", "CRDT"), "po_2")
        + detail(told.format("10", "DBIT"), "fee")
    )
    found = lines(camt(entry("100", details=whole)))
    assert [(line.minor, line.references, line.native_id) for line in found] == [
        (7000, ("R1", "po_1"), "R1/1"),
        (4000, ("R1", "po_2"), "R1/2"),
        (-1000, ("R1", "fee"), "R1/3"),
    ]
    assert found[0].raw.startswith("<TxDtls>")
    assert found[1].description == "a b po_2"
    for untold in (
        detail("", "po_1") + detail("", "po_2"),
        detail(told.format("70", "CRDT"), "po_1") + detail(told.format("31", "CRDT"), "po_2"),
    ):
        [one] = lines(camt(entry("100", details=untold)))
        assert (one.minor, one.references) == (10000, ("R1", "po_1", "po_2"))


def test_camt_amount_is_the_accounts_and_not_what_was_sent() -> None:
    details = (
        "<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId><UETR>u-1</UETR></Refs><AmtDtls><InstdAmt><Amt Ccy='USD'>70.00</Amt></InstdAmt>"
        "<TxAmt><Amt Ccy='EUR'>60.00</Amt></TxAmt></AmtDtls><RltdPties><Dbtr><Pty><Nm>STRIPE</Nm></Pty></Dbtr></RltdPties>"
        "<RmtInf><Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
    )
    [line] = lines(camt(entry("60.00", details=details)))
    assert (line.minor, line.original_minor, line.original_currency, line.counterparty) == (
        6000,
        7000,
        "USD",
        "STRIPE",
    )
    assert line.references == ("R1", "u-1", "RF18")


def test_camt_balances_of_each_day_and_of_another_currency() -> None:
    def balance(code: str, amount: str, day: str, currency: str = "EUR") -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd>'
            f"<Dt><Dt>{day}</Dt></Dt></Bal>"
        )

    days = balance("CLBD", "25", "2026-11-04") + balance("OPBD", "20", "2026-11-04")
    [statement] = statements(camt(days, entry("30"), entry("5", ref="R2"), closing="20"))
    assert (statement.opening_minor, statement.closing_minor, statement.off_by) == (-1000, 2500, 0)
    assert (statement.opening_day, statement.closing_day) == ("2026-11-02", "2026-11-04")
    dollars = balance("OPBD", "1", "2026-11-01", "USD") + balance("CLBD", "7", "2026-11-05", "USD")
    [statement] = statements(camt(dollars, entry("30"), closing="20"))
    assert (statement.opening_minor, statement.closing_minor, statement.off_by) == (-1000, 2000, 0)


def test_camt_what_is_not_booked_is_no_line_and_several_statements_are_several() -> None:
    two = camt(
        entry("1"),
        entry("2", status="<Sts><Cd>PDNG</Cd></Sts>"),
        entry("3", status="<Sts>INFO</Sts>"),
        first="PRCD",
    )
    two = two.replace(
        "</Stmt>", "</Stmt>" + STMT.format(entries=entry("4", ref="R9"), closing="0", first="OPBD", id="2")
    )
    first, second = statements(two)
    assert ([line.minor for line in first.lines], [line.minor for line in second.lines]) == ([100], [400])
    assert first.opening_minor == -1000
    assert "2 entries are not booked" in first.notes[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("<GrpHdr>", "<GrpHdr>&lol;"), "no whole XML"),
        (('<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE x [<!ENTITY lol "lol">]>'), "document type"),
        (('<?xml version="1.0" encoding="UTF-8"?>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "document type"),
        (("</Stmt>", ""), "no whole XML"),
        (("BkToCstmrStmt", "BkToCstmrAcctRpt"), "CAMT.052"),
        (("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"), "CAMT.054"),
        (("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>BOTH</CdtDbtInd><Sts>"), "neither CRDT nor DBIT"),
        (("<IBAN>DE02120300000000202051</IBAN>", ""), "does not say its account"),
        (('Ccy="EUR">5</Amt>', 'Ccy="EUR">5.005</Amt>'), "more decimals"),
        (('Ccy="EUR">5</Amt>', 'Ccy="XXQ">5</Amt>'), "XXQ"),
        (("2026-11-02+01:00", "2026-13-02"), "no day of the calendar"),
    ],
)  # fmt: skip
def test_camt_that_is_broken_or_wicked_is_refused(change: tuple[str, str], says: str) -> None:
    text = camt(entry("5"))
    assert change[0] in text
    with pytest.raises(Refusal, match=says):
        read(text.replace(*change).encode())


def test_camt_nested_without_end_and_entities_a_billion_times() -> None:
    with pytest.raises(Refusal, match="nested"):
        read(("<Document><BkToCstmrStmt><Stmt>" + "<a>" * 100_000).encode())
    bomb = (
        '<!DOCTYPE z [<!ENTITY a "'
        + "b" * 1000
        + '">'
        + "".join(f'<!ENTITY a{n} "{"&a;" * 10}">' for n in range(9))
        + "]><BkToCstmrStmt>&a8;</BkToCstmrStmt>"
    )
    with pytest.raises(Refusal, match="document type"):
        read(bomb.encode())


# --- MT940 ---

MT940 = """{{1:F01BANKDEFFXXXX0000000000}}{{2:O9400000}}{{4:
:20:STARTUMSE
:25:20041010/1234567890
:28C:00012/001
:60F:C261101EUR1000,00
{lines}
:62F:C261103EUR{closing}
:64:C261103EUR1,00
:86:Information about the statement
-}}
"""


def mt(*rows: str, closing: str = "1000,00") -> str:
    return MT940.format(lines="\n".join(rows), closing=closing)


def test_mt940_marks_and_days() -> None:
    text = mt(
        ":61:2611021102C500,25NTRFNONREF//B1", ":61:2611031103D1,NMSCREF1", ":61:2611031103RC20,00NTRFNONREF", ":61:2611031103RD20,00NTRFNONREF",
        ":61:261103CR7,5NTRFNONREF", ":61:2612310102D0,05NCHGNONREF", ":61:2601021231C0,05NCHGNONREF", closing="1506,75",
    )  # fmt: skip
    [statement] = statements(text)
    assert [(line.day, line.value_day, line.minor, line.reversal) for line in statement.lines] == [
        ("2026-11-02", "2026-11-02", 50025, False),
        ("2026-11-03", "2026-11-03", -100, False),
        ("2026-11-03", "2026-11-03", -2000, True),
        ("2026-11-03", "2026-11-03", 2000, True),
        ("2026-11-03", "2026-11-03", 750, False),
        ("2027-01-02", "2026-12-31", -5, False),
        ("2025-12-31", "2026-01-02", 5, False),
    ]
    assert (statement.off_by, statement.number) == (0, "00012/001")


@pytest.mark.parametrize(("digits", "year"), [("26", 2026), ("79", 2079), ("80", 1980), ("99", 1999)])
def test_years_of_two_digits_are_read_by_swifts_rule_in_every_format(digits: str, year: int) -> None:
    text = mt(f":61:{digits}11021102C1,00NTRFNONREF", closing="1001,00").replace("C2611", f"C{digits}11")
    csv: Any = read(f"Date,Text,Amount (USD)\n02/11/{digits},A,-1.00\n13/11/{digits},B,2.00\n".encode())
    table = csv.read_by(csv.proposal().profile, account="A")
    for [statement] in (
        statements(text),
        statements(bai().replace("1,261102", f"1,{digits}1102")),
        table.statements,
    ):
        assert statement.lines[0].day == f"{year}-11-02"
    [swift] = statements(text)
    assert (swift.opening_day, swift.closing_day) == (f"{year}-11-01", f"{year}-11-03")
    assert (swift.lines[0].value_day, swift.off_by) == (f"{year}-11-02", 0)


def test_mt940_line_of_no_day_is_refused_by_its_line() -> None:
    with pytest.raises(Refusal, match=r"Line 6: 2026-13-02 is no day of the calendar"):
        read(mt(":61:2613021102C1,00NTRFNONREF").encode())


def test_mt940_structured_information() -> None:
    text = mt(
        ":61:2611021102C1,00NTRFNONREF//B1",
        ":86:166?00GUTSCHRIFT?109310?20EREF+po_1NqFhe2eZvKYlo2C?21KREF+K 1?22SVWZ+STRIPE PAYOUT FOR NOVE?23MBER 2026 ABC",
        "?24DEF?30DEUTDEFF?31DE123?32STRIPE PAYMENTS EUROPE LIM?33ITED",
    )
    [line] = lines(text)
    assert line.description == "STRIPE PAYOUT FOR NOVEMBER 2026 ABC DEF"
    assert line.references == ("B1", "po_1NqFhe2eZvKYlo2C", "K 1")
    assert (line.counterparty, line.code) == ("STRIPE PAYMENTS EUROPE LIMITED", "NTRF 166")


def test_mt940_slashes_and_plain_text() -> None:
    slashed = mt(
        ":61:2611021102C1,00NTRFEREF//B1",
        ":86:/TRCD/00100/EREF/po_77//CNTP/NL12/BANKNL2A/STRIPE//",
        "/REMI/USTD//STRIPE PAYOUT/",
    )
    [line] = lines(slashed)
    assert (line.description, line.counterparty) == ("STRIPE PAYOUT", "STRIPE")
    assert "po_77" in line.references
    plain = mt(":61:2611021102C1,00NTRFNONREF", "SUPPLEMENT", ":86:FIRST LINE", "SECOND: LINE")
    assert lines(plain)[0].description == "FIRST LINE SECOND: LINE SUPPLEMENT"
    assert lines(plain)[0].raw == ":61:2611021102C1,00NTRFNONREF\nSUPPLEMENT\n:86:FIRST LINE\nSECOND: LINE"


def test_mt940_text_may_begin_with_a_dash() -> None:
    [line] = lines(
        mt(":61:2611021102C1,00NTRFNONREF", ":86:STRIPE", "- PAYOUT PO_77", "-- END", closing="1001,00")
    )
    assert line.description == "STRIPE - PAYOUT PO_77 -- END"


ONE = ":25:{account}\n:28C:1\n:60F:C261101EUR0,\n:61:2611021102C{amount},00NTRFNONREF\n:62F:C261102EUR{amount},\n"


def test_mt940_an_account_begins_where_the_one_before_was_closed() -> None:
    text = ":20:BOTH\n" + ONE.format(account="A/1", amount=10) + ONE.format(account="B/2", amount=20) + "-\n"
    assert [(each.account, each.closing_minor, each.off_by) for each in statements(text)] == [
        ("A/1", 1000, 0),
        ("B/2", 2000, 0),
    ]
    assert [(line.account, line.minor) for line in lines(text)] == [("A/1", 1000), ("B/2", 2000)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((":62F:C261102EUR10,\n", ""), "several accounts"),
        ((":62F:C261102EUR10,\n:25:B/2\n", ""), "several opening balances"),
        ((":62F:C261102EUR20,", ":62F:C261102USD20,"), "opens in EUR and closes in USD"),
    ],
)
def test_mt940_statements_that_run_into_each_other_are_refused(change: tuple[str, str], says: str) -> None:
    text = ":20:BOTH\n" + ONE.format(account="A/1", amount=10) + ONE.format(account="B/2", amount=20) + "-\n"
    assert change[0] in text
    with pytest.raises(Refusal, match=says):
        read(text.replace(*change).encode())


def test_mt940_several_statements_and_no_envelope() -> None:
    inside = mt(":61:2611021102C1,00NTRFNONREF", closing="1001,00").split("{4:\n")[1].replace("-}", "-")
    found = statements(
        (inside + inside.replace("EUR", "JPY").replace(",00", ",").replace("1001,", "1001,")).replace(
            "\n", "\r\n"
        )
    )
    assert [(each.currency, each.opening_minor, each.off_by) for each in found] == [
        ("EUR", 100000, 0),
        ("JPY", 1000, 0),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((":62F:C261103EUR1000,00\n", ""), "cut off"),
        ((":60F:C261101EUR1000,00\n", ":34F:EUR0,\n"), "MT942"),
        (("C500,25", "X500,25"), "Line 6"),
        (("C500,25", "C500,255"), "more decimals"),
        (("C500,25", "C5,00,25"), "not one comma"),
        ((":61:261102", ":61:261302"), "Line 6"),
        ((":60F:C261101EUR", ":60F:C261101EQR"), "EQR"),
    ],
)  # fmt: skip
def test_mt940_that_is_broken_is_refused(change: tuple[str, str], says: str) -> None:
    text = mt(":61:2611021102C500,25NTRFNONREF//B1")
    assert change[0] in text
    with pytest.raises(Refusal, match=says):
        read(text.replace(*change).encode())


# --- BAI2 ---

BAI2 = """01,122099999,123456789,261103,0200,1,,,2/
02,031001234,122099999,1,261102,2359,USD,2/
03,0975312468,,010,500000,,,015,700000,,/
{lines}
49,1500000,{count}/
98,1500000,1,{more}/
99,1500000,1,{most}/
"""
DETAILS = (
    "16,142,150000,V,261104,,BR1,CR1,STRIPE TRANSFER/\n88,po_123 more, with comma/and slash\n"
    "16,475,50000,S,1,2,3,BR2,,CHECK 12\n88,second text\n16,165,100000,D,2,0,50000/\n88,1,50000,BR3,CR3,TXT/"
)


def bai(rows: str = DETAILS, count: int = 8) -> str:
    return BAI2.format(lines=rows, count=count, more=count + 2, most=count + 4)


def test_bai2_continuations_and_funds_types() -> None:
    [statement] = statements(bai())
    assert [(line.minor, line.value_day, line.references, line.description) for line in statement.lines] == [
        (150000, "2026-11-04", ("BR1", "CR1"), "STRIPE TRANSFER po_123 more, with comma/and slash"),
        (-50000, None, ("BR2",), "CHECK 12 second text"),
        (100000, None, ("BR3", "CR3"), "TXT"),
    ]
    assert (statement.off_by, statement.currency, statement.warnings) == (0, "USD", ())
    assert (
        statement.lines[0].raw
        == "16,142,150000,V,261104,,BR1,CR1,STRIPE TRANSFER/\n88,po_123 more, with comma/and slash"
    )


def test_bai2_codes_of_the_banks_own_and_what_moves_nothing() -> None:
    rows = "16,108,300000,,,,OTHER CREDIT/\n16,399,5,Z,,,/\n16,699,300005,0,,,OUT/\n16,890,,,,,just words/\n16,252,100000,,,,REVERSAL/"
    [statement] = statements(bai(rows, count=7).replace("1500000", "1900010"))
    assert [(line.minor, line.reversal) for line in statement.lines] == [
        (300000, False),
        (5, False),
        (-300005, False),
        (100000, True),
    ]
    assert (len(statement.notes), statement.warnings) == (1, ())
    with pytest.raises(Refusal, match="'955' is the bank's own"):
        read(bai("16,955,100,,,,X/").encode())


@pytest.mark.parametrize("code", ["108", "252", "475", "699"])
def test_bai2_detail_with_a_minus_sign_is_refused_by_its_record(code: str) -> None:
    with pytest.raises(
        Refusal,
        match=rf"Line 4 of the BAI2 file: the record 16 of type {code} has the amount '-100', but .* no minus",
    ):
        read(bai(f"16,{code},-100,,,,X/").encode())
    [plus] = statements(bai(f"16,{code},+100,,,,X/"))
    assert abs(plus.lines[0].minor) == 100


def test_bai2_account_in_the_red_has_a_balance_with_a_minus_sign() -> None:
    [red] = statements(bai("16,475,100,,,,X/").replace("500000,,,015,700000", "-500,,,015,-600"))
    assert (red.opening_minor, red.closing_minor, red.off_by) == (-500, -600, 0)


def test_bai2_totals_that_do_not_confirm_are_said() -> None:
    found = statements(bai(count=9).replace("49,1500000", "49,1500001"))[0].warnings
    assert ["control total" in found[0], "counts 9 records" in found[1]] == [True, True]
    assert "is 15000.01 USD, but" in found[0]
    assert "add up to 15000.00 USD" in found[0]


def test_bai2_yen_and_krona() -> None:
    yen = statements(
        bai("16,142,200,0,,,X/").replace("USD", "JPY").replace("500000,,,015,700000", "0,,,015,200")
    )[0]
    krona = statements(
        bai("16,142,200,0,,,X/").replace("USD", "ISK").replace("500000,,,015,700000", "0,,,015,200")
    )[0]
    assert (yen.lines[0].minor, yen.off_by, krona.lines[0].minor, krona.off_by) == (200, 0, 20000, 0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("99,1500000,1,12/\n", ""), "cut off"),
        (("49,1500000,8/\n", ""), "record 98 cannot stand here"),
        (("16,475,50000,S", "16,475,5x,S"), "no whole amount"),
        (("49,1500000,8/", "49,15O0000,8/"), "no control total"),
        (("49,1500000,8/", f"49,{'9' * 5000},8/"), "no control total"),
        (("02,031001234,122099999,1", "02,031001234,122099999,2"), "takes back"),
        (("02,031001234,122099999,1", "02,031001234,122099999,3"), "corrects what an earlier file said"),
        (("1,261102,2359", "1,261302,2359"), "no day of the calendar"),
        (("88,second", "77,second"), "no record code"),
    ],
)  # fmt: skip
def test_bai2_that_is_broken_is_refused(change: tuple[str, str], says: str) -> None:
    assert change[0] in bai()
    with pytest.raises(Refusal, match=says):
        read(bai().replace(*change).encode())


def test_bai2_of_a_test_group_is_nothing() -> None:
    with pytest.raises(Refusal, match="no whole account"):
        read(bai().replace("02,031001234,122099999,1", "02,031001234,122099999,4").encode())


# --- what is none of them ---


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"), (b" \n", "empty"), (b"PK\x03\x04" + b"\0" * 100, "ZIP archive"), (b"\x1f\x8b\x08rest", "gzip"), (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel"), (b"Date,Amount\x00\n", "control character"), (b"<html><body>Sign in</body></html>", "expired sign-in"),
        (b'{"a": 1}', "JSON"), (b"just some words\nand more", "no table"), (b"\xef\xbb\xbf\xff\xff", "says that it is utf-8-sig"),
        (b"Date,Amount\nx,y\n", "no row with a day"), (b"Date,Text\n2026-11-02,a\n", "no column of amounts"),
    ],
)  # fmt: skip
def test_what_is_no_statement_is_refused_with_the_reason(raw: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        found: Any = read(raw)
        found.proposal()


@pytest.mark.parametrize(
    "raw",
    [
        b"<OFX>" + b"<STMTRS>" * 400_000 + b"</OFX>", b"<OFX>" + b"</STMTRS>" * 300_000 + b"<STMTRS>" * 300_000 + b"</OFX>",
        ofx("<DTPOSTED>20261102<TRNAMT>1<FITID>1<MEMO>" + "<![CDATA[" * 300_000).encode(), ofx("<STMTTRN>" * 300_000).encode(),
b"Date,Amount\n" + b"1" * 190_000 + b"x,2\n2026-11-01," + b" " * 150_000 + b"CR1\n",
        bai().replace("STRIPE", "," * 400_000).encode(), mt(":61:2611021102C1,00NTRF" + "/" * 400_000, ":86:" + "?20" * 300_000).encode(),
    ],
    ids=["ofx open", "ofx closed before", "ofx cdata", "ofx lines", "csv cells", "bai2 fields", "mt940"],
)  # fmt: skip
def test_files_that_are_made_to_be_slow_are_not(raw: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(Refusal):
        found: Any = read(raw)
        if isinstance(found, Table):
            found.proposal()
    assert time.process_time() - began < 6


def test_an_entry_with_more_elements_than_memory_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(camt_format, "_MOST_NODES", 1000)
    assert len(lines(camt(*(entry("1", ref=f"R{n}") for n in range(100))))) == 100
    with pytest.raises(Refusal, match="more elements"):
        read(camt(entry("1", details="<a/>" * 1000)).encode())


def test_what_is_too_large_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Refusal, match="more than the 1 MB"):
        read(b"\0" * (1024 * 1024 + 1), most_megabytes=1)


@pytest.mark.parametrize("day", ["0001-01-01", "1025-11-21", "3026-11-21", "9999-12-31"])
def test_a_day_of_another_century_is_refused(day: str) -> None:
    csv = f"Date,Text,Amount (USD)\n2026-11-20,A,-1.00\n{day},B,2.00\n"
    for raw in (camt(entry("1")).replace("2026-11-02", day), csv):
        with pytest.raises(Refusal, match=f"{day} is no day of a bank statement|no day in the order"):
            found: Any = read(raw.encode())
            found.read_by(found.proposal().profile, account="A")


def test_an_amount_whose_sums_no_database_holds_is_refused() -> None:
    csv = "Date,Text,Amount (USD)\n2026-11-20,A,-1.00\n2026-11-21,B,2000000000000000.00\n"
    found: Any = read(csv.encode())
    with pytest.raises(Refusal, match=r"Row 3: .* is larger than any amount"):
        found.read_by(found.proposal().profile, account="A")
    with pytest.raises(Refusal, match="larger than any amount"):
        read(camt(entry("2000000000000000.00")).encode())
