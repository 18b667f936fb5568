"""A profile: where the time of a compiled function went, by kernel and by the user's lines."""

import html
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gradiente.base.errors import RunError
from gradiente.graph.node import Node
from gradiente.ops.contract import matmul
from gradiente.ops.convolution import convolution

WAITING = "(waiting)"  # threads that wait for each other
GATHERING = "(gathering)"  # rows of data that become a batch

SHOWN_ROWS, SHOWN_LINES, LINE_WIDTH = 20, 3, 72

COLUMNS = ("share", "ms", "calls", "µs/call", "threads", "GFLOP/s", "GB/s", "kernel", "lines")
WORDS = ("kernel", "lines")  # the columns that are no numbers


@dataclass(frozen=True)
class Entry:
    """One kernel of a program, or one way of not computing.

    name, operations: what it computes. lines: the user's lines it comes from, `file:line  text`.
    calls: how often it ran. seconds: what that took on all threads together; longest: on the thread
    where it took longest. threads: how many shared it, of the units of work it can be divided into.
    flops: multiplications and additions of its matrix products; bytes: the sizes of all arrays it
    reads and writes; both of all calls.
    """

    name: str
    operations: tuple[str, ...]
    lines: tuple[str, ...]
    calls: int
    seconds: float
    longest: float
    threads: int = 1
    units: int = 1
    flops: int = 0
    bytes: int = 0

    def __add__(self, other: "Entry") -> "Entry":
        """The same kernel in two programs."""
        return replace(
            self if self.seconds >= other.seconds else other,
            calls=self.calls + other.calls,
            seconds=self.seconds + other.seconds,
            longest=self.longest + other.longest,
            threads=max(self.threads, other.threads),
            units=max(self.units, other.units),
            flops=self.flops + other.flops,
            bytes=self.bytes + other.bytes,
        )


@dataclass(frozen=True)
class Profile:
    """Where time went; printing it gives a table, the slowest first.

    entries: each use of a kernel by itself. elapsed: seconds on the clock during the runs.
    Milliseconds, shares and µs/call are of all threads together; GFLOP/s and GB/s are what all of
    them reach, and count every array of a kernel once, wherever in the caches it lies.
    """

    entries: tuple[Entry, ...]
    elapsed: float
    runs: int
    threads: int
    backend: str

    @property
    def seconds(self) -> float:
        """The time of all entries and all threads together."""
        return sum(entry.seconds for entry in self.entries)

    @property
    def waiting(self) -> float:
        """The share of that time in which threads waited for each other."""
        return self._share(sum(e.seconds for e in self.entries if e.name == WAITING))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table as plain data, the slowest entry first; `pandas.DataFrame` takes it."""
        slowest_first = sorted(self.entries, key=lambda entry: -entry.seconds)
        return [
            {
                "name": entry.name,
                "operations": list(entry.operations),
                "lines": list(entry.lines),
                "calls": entry.calls,
                "milliseconds": 1e3 * entry.seconds,
                "share": self._share(entry.seconds),
                "threads": entry.threads,
                "units": entry.units,
                "gflops": _rate(entry.flops, entry.longest),
                "gigabytes_per_second": _rate(entry.bytes, entry.longest),
            }
            for entry in slowest_first
        ]

    def save(self, path: str | Path) -> None:
        """Write it as JSON. Raises `RunError` if the file cannot be written."""
        content = {
            "backend": self.backend,
            "threads": self.threads,
            "runs": self.runs,
            "elapsed_seconds": self.elapsed,
            "rows": self.rows,
        }
        try:
            Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None

    def _share(self, seconds: float) -> float:
        return seconds / self.seconds if self.seconds else 0.0

    def _caption(self) -> str:
        words = [
            f"Profile of {self.runs} run{'' if self.runs == 1 else 's'} on the {self.backend} "
            f"backend: {1e3 * self.elapsed:.4g} ms",
            f"{self.threads} thread{'' if self.threads == 1 else 's'}",
        ]
        if self.threads > 1:
            words.append(f"{self.waiting:.1%} waiting")
        return ", ".join(words)

    def _table(self) -> tuple[list[list[str]], str]:
        """The cells of the rows to show, and what is to be said of the others."""
        rows = self.rows
        cells = [line for row in rows[:SHOWN_ROWS] for line in _cells(row)]
        others = rows[SHOWN_ROWS:]
        share = sum(row["share"] for row in others)
        return cells, f"... and {len(others)} more: {share:.1%}" if others else ""

    def __str__(self) -> str:
        cells, rest = self._table()
        widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if name in WORDS else cell.rjust(width)
                for name, cell, width in zip(COLUMNS, line, widths, strict=True)
            ).rstrip()
            for line in [list(COLUMNS), *cells]
        ]
        return "\n".join([self._caption(), *lines, *filter(None, [rest])])

    def _repr_html_(self) -> str:
        cells, rest = self._table()
        head = "".join(f"<th{_style(name)}>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>"
            + "".join(
                f"<td{_style(name)}>{html.escape(cell)}</td>"
                for name, cell in zip(COLUMNS, line, strict=True)
            )
            + "</tr>"
            for line in cells
        )
        return (
            f'<table><caption style="text-align:left">{html.escape(self._caption())}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{html.escape(rest)}"
        )


def merged(profiles: Iterable[Profile]) -> Profile:
    """One profile of several programs; kernels of the same operations and lines are one entry.

    Where a program has several of these, the first belongs to the first of another program.
    """
    profiles = list(profiles)
    entries: dict[Any, Entry] = {}
    for profile in profiles:
        seen: dict[Any, int] = defaultdict(int)
        for entry in profile.entries:
            what = (entry.operations, entry.lines, entry.operations or entry.name)
            key = (*what, seen[what])
            seen[what] += 1
            entries[key] = entries[key] + entry if key in entries else entry
    return Profile(
        tuple(entries.values()),
        elapsed=sum(profile.elapsed for profile in profiles),
        runs=sum(profile.runs for profile in profiles),
        threads=max((profile.threads for profile in profiles), default=1),
        backend=profiles[0].backend if profiles else "",
    )


def product_flops(node: Node) -> int:
    """Multiplications and additions of a product or convolution; 0 of any other operation."""
    if node.operation is matmul:
        return 2 * node.type.size * node.inputs[0].type.shape[-1]
    if node.operation is convolution:
        return 2 * node.type.size * math.prod(node.inputs[1].type.shape[:-1])
    return 0


def _rate(amount: int, seconds: float) -> float | None:
    """Billions per second, where there is something to count."""
    return amount / seconds / 1e9 if amount and seconds else None


def _style(name: str) -> str:
    side = "left" if name in WORDS else "right;font-variant-numeric:tabular-nums"
    return f' style="text-align:{side}"'


def _cells(row: dict[str, Any]) -> list[list[str]]:
    """The lines of a row: the numbers and the first of the user's lines, then further ones."""
    lines = [_short(line, LINE_WIDTH) for line in row["lines"]]
    if len(lines) > SHOWN_LINES:
        lines[SHOWN_LINES - 1 :] = [f"... and {len(lines) - SHOWN_LINES + 1} more lines"]
    calls, per_call = row["calls"], 1e3 * row["milliseconds"] / max(row["calls"], 1)
    numbers = [
        f"{row['share']:.1%}",
        f"{row['milliseconds']:.2f}",
        str(calls),
        f"{per_call:.2f}",
        str(row["threads"]),
        *("" if row[n] is None else f"{row[n]:.1f}" for n in ("gflops", "gigabytes_per_second")),
        row["name"],
    ]
    first, *others = lines or [""]
    empty = [""] * len(numbers)
    return [[*numbers, first], *([*empty, line] for line in others)]


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."
