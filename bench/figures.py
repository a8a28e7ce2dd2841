"""What was measured: figures beside what they are compared to, as a table and as JSON.

figure = Figure(section="webhooks", name="received", value=3100, unit="/s", peer="bare endpoint", peer_value=3500, least=0.8)
figure.held            # True: 3100 / 3500 is at least 0.8
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number.

    `least` and `most` bound the ratio where there is a peer, else the value itself; without either there is no goal. `absent`
    says why a peer could not be measured: such a figure is not held.
    """

    section: str
    name: str
    value: float | None
    unit: str
    peer: str = ""
    peer_value: float | None = None
    least: float | None = None
    most: float | None = None
    note: str = ""
    absent: str = ""

    @property
    def ratio(self) -> float | None:
        """The value over the peer's."""
        return self.value / self.peer_value if self.value is not None and self.peer_value else None

    @property
    def held(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.least is None and self.most is None:
            return None
        judged = self.ratio if self.peer else self.value
        if judged is None or self.absent:
            return False
        return (self.least is None or judged >= self.least) and (self.most is None or judged <= self.most)

    @property
    def goal(self) -> str:
        """``at least 0.8 times``, ``below 20 ms``."""
        unit = " times" if self.peer else self.unit if self.unit.startswith("/") else f" {self.unit}".rstrip()
        if self.least is not None:
            return f"at least {self.least:,g}{unit}"
        return f"at most {self.most:,g}{unit}" if self.most is not None else ""


def show(out: Console, figures: Sequence[Figure]) -> None:
    """The table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("", "measured", "beside", "", "ratio", "goal", "held"):
        table.add_column(name, justify="right" if name in {"measured", "ratio"} else "left", overflow="fold")
    section = ""
    for each in figures:
        if each.section != section:
            section = each.section
            table.add_row(f"[bold]{section}[/]")
        table.add_row(
            f"  {each.name}", _number(each.value, each.unit), each.peer,
            f"[red]{each.absent}[/]" if each.absent else _number(each.peer_value, each.unit) if each.peer else "",
            "" if each.ratio is None else f"{each.ratio:,.2f}", each.goal, _verdict(each.held),
        )  # fmt: skip
    out.print(table)
    for each in figures:
        if each.note:
            out.print(f"  [dim]{each.section}, {each.name}: {each.note}[/]", highlight=False)


def as_markdown(figures: Sequence[Figure]) -> str:
    """The same table for a document."""
    lines = ["| | measured | beside | | ratio | goal | held |", "|---|---:|---|---:|---:|---|---|"]
    for each in figures:
        ratio = "" if each.ratio is None else f"{each.ratio:,.2f}"
        peer = each.absent or (_number(each.peer_value, each.unit) if each.peer else "")
        held = {True: "yes", False: "**no**", None: ""}[each.held]
        lines.append(
            f"| {each.section}: {each.name} | {_number(each.value, each.unit)} | {each.peer} | {peer} | {ratio} | {each.goal} | {held} |"
        )
    return "\n".join(lines)


def keep(figures: Sequence[Figure], path: Path, *, machine: dict[str, object]) -> None:
    """Write them down as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {**msgspec.to_builtins(each), "ratio": each.ratio, "goal": each.goal, "held": each.held}
        for each in figures
    ]
    path.write_text(json.dumps({"machine": machine, "figures": rows}, indent=1) + "\n")


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
    return f"{shown}{unit}" if unit.startswith("/") else f"{shown} {unit}".rstrip()


def _verdict(held: bool | None) -> str:  # noqa: FBT001 (three states)
    return {True: "[green]yes[/]", False: "[bold red]no[/]", None: ""}[held]
