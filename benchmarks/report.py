"""Results as tables: for the screen, and in Markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from benchmarks.agreement import TOLERANCE
from benchmarks.libraries import OURS
from benchmarks.results import Comparison, Results, StartUp, Timing
from benchmarks.startup import CACHED, COLD, IMPORT, INSTALLED, MEMORY, RESIDENT

NOTHING = "–"


@dataclass
class Sheet:
    """A table of text, with the lines above and the footnotes below it.

    emphasis: the first cells of the rows that are ours.
    """

    title: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    lines: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    def note(self, name: str, notes: Iterable[str]) -> str:
        """The name with the numbers of its footnotes, which are written down once each."""
        numbers = []
        for text in notes:
            if text not in self.notes:
                self.notes.append(text)
            numbers.append(self.notes.index(text) + 1)
        return name + "".join(f" [{number}]" for number in sorted(numbers))


def ours(row: Sequence[str]) -> bool:
    """True for gradiente's row."""
    return row[0].split(" ")[0] == OURS


# -- what the tables say ---------------------------------------------------------------------------


def sheets(results: Results) -> list[Sheet]:
    """All tables of a run."""
    found = [comparison_sheet(comparison) for comparison in results.comparisons]
    if results.startups:
        found.append(startup_sheet(results.startups))
    return found


def comparison_sheet(comparison: Comparison) -> Sheet:
    """The libraries on one workload, the fastest first."""
    sheet = Sheet(
        title=comparison.workload.title,
        columns=(
            "library",
            "fastest µs/step",
            "median µs/step",
            "spread",
            "GFLOP/s",
            "of FMA peak",
            f"÷ {OURS}",
            "same losses",
        ),
        lines=verdict(comparison),
    )
    for timing in sorted(comparison.timings, key=lambda timing: timing.median):
        sheet.rows.append(_timing_row(sheet, comparison, timing))
    for name, reason in comparison.absent.items():
        rest = [NOTHING] * (len(sheet.columns) - 1)
        sheet.rows.append((sheet.note(name, [reason]), *rest))
    return sheet


def verdict(comparison: Comparison) -> list[str]:
    """Who is faster, and what the machine could do."""
    lines = []
    best = comparison.best_peer
    ratio = comparison.ratio(best) if best else None
    if best and ratio is not None:
        lines.append(f"best peer ÷ {OURS}: {times(ratio)} ({best.library})")
    if comparison.peaks:
        peak = max(comparison.peaks)
        lines.append(f"FMA peak of all cores in this run: {giga(peak)} GFLOP/s")
    return lines


def _timing_row(sheet: Sheet, comparison: Comparison, timing: Timing) -> Sequence[str]:
    ratio, share = comparison.ratio(timing), comparison.share(timing)
    return (
        sheet.note(timing.library, timing.notes),
        micro(timing.minimum),
        micro(timing.median),
        percent(timing.spread),
        giga(comparison.rate(timing)),
        NOTHING if share is None else percent(share),
        NOTHING if ratio is None else times(ratio),
        _agreement(timing),
    )


def _agreement(timing: Timing) -> str:
    if timing.difference is None:
        return "not compared"
    if not timing.comparable:
        return f"NO, {timing.difference:.0e} apart"
    if timing.library == OURS:
        return "reference"
    return f"yes, within {timing.difference:.0e}" if timing.difference else "yes, exactly"


STARTUP_COLUMNS: Sequence[tuple[str, str, Callable[[float], str]]] = (
    ("import", IMPORT, lambda value: seconds(value)),
    ("resident after import", RESIDENT, lambda value: mega(value)),
    ("first step, cold", COLD, lambda value: seconds(value)),
    ("first step, from cache", CACHED, lambda value: seconds(value)),
    *((measure, measure, lambda value: mega(value)) for measure in MEMORY),
    ("installed", INSTALLED, lambda value: mega(value)),
)


def startup_sheet(startups: Sequence[StartUp]) -> Sheet:
    """What each library costs before it has trained."""
    sheet = Sheet("Start-up", ("library", *(title for title, _, _ in STARTUP_COLUMNS)))
    for startup in startups:
        cells = [
            NOTHING if (value := startup.median(measure)) is None else words(value)
            for _, measure, words in STARTUP_COLUMNS
        ]
        sheet.rows.append((sheet.note(startup.library, startup.notes), *cells))
    return sheet


def overview(comparisons: Sequence[Comparison]) -> Sheet:
    """One row a workload: the median time of each library, and the ratio."""
    names = list(dict.fromkeys(t.library for c in comparisons for t in c.timings))
    sheet = Sheet("Time per training step", ("workload", *names, f"best peer ÷ {OURS}"))
    for comparison in comparisons:
        found = {timing.library: timing for timing in comparison.timings}
        best = comparison.best_peer
        ratio = comparison.ratio(best) if best else None
        times_taken = [duration(found[n].median) if n in found else NOTHING for n in names]
        excuses = [
            f"{name} on {comparison.workload.name}: {reason}"
            for name, reason in comparison.absent.items()
        ]
        remarks = [
            f"{t.library}: {note}"
            for t in comparison.timings
            for note in (*t.notes, *([] if t.comparable else ["its losses are others"]))
        ]
        title = sheet.note(comparison.workload.title, [*excuses, *remarks])
        sheet.rows.append((title, *times_taken, NOTHING if ratio is None else times(ratio)))
    return sheet


def explanation(results: Results) -> list[str]:
    """What a reader of the tables must know."""
    shown = []
    if results.comparisons:
        shown.append(
            "Median of interleaved slices of training steps; the same weights, batches and "
            f"optimizer for all. {OURS} is timed through `Trainer.fit`, shuffling, gathering of "
            "batches and the history of losses included; the others have their batches in memory, "
            "in order. Same losses: the largest relative difference of the mean losses of the "
            f"first epochs, without shuffling, is at most {TOLERANCE:g}."
        )
    if results.startups:
        shown.append(
            "Start-up: medians over fresh processes. First step: from the beginning of the import "
            "to the end of one step of W1. Peak memory: of a process that trains for one epoch. "
            "Installed: on the disk, dependencies included."
        )
    return shown


# -- numbers in words ------------------------------------------------------------------------------


def significant(value: float, digits: int = 3) -> str:
    """So many digits at least, thousands set apart."""
    places = max(0, digits - len(f"{int(abs(value))}")) if abs(value) >= 1 else digits
    return f"{value:,.{places}f}"


def micro(value: float) -> str:
    """Seconds in microseconds."""
    return significant(value * 1e6)


def duration(value: float) -> str:
    """Seconds with the unit that fits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{significant(value / scale)} {unit}"
    return f"{value * 1e9:.0f} ns"


def giga(value: float) -> str:
    """In billions."""
    return significant(value / 1e9)


def mega(value: float) -> str:
    """Bytes in millions of them."""
    return f"{value / 1e6:,.0f} MB"


def seconds(value: float) -> str:
    """With two places."""
    return f"{value:.2f} s"


def percent(value: float) -> str:
    """Of one."""
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def times(value: float) -> str:
    """A ratio; below one, the other is faster."""
    return f"{significant(value)}×"


# -- how the tables look ---------------------------------------------------------------------------


def on_screen(sheet: Sheet) -> Group:
    """For the terminal."""
    table = Table(box=SIMPLE_HEAD)
    for place, column in enumerate(sheet.columns):
        table.add_column(column, justify="right" if place else "left")
    for row in sheet.rows:
        table.add_row(*map(Text, row), style="bold green" if ours(row) else "")
    notes = [Text(f"  [{n}] {text}", style="dim") for n, text in enumerate(sheet.notes, 1)]
    lines = [Text(f"  {line}") for line in sheet.lines]
    return Group(Text(sheet.title, style="bold"), *lines, table, *notes)


def in_markdown(sheet: Sheet, level: int = 3) -> str:
    """For a document."""
    head = [f"{'#' * level} {sheet.title}", ""] if level else []
    lines = [f"{line[0].upper()}{line[1:]}. " for line in sheet.lines]
    align = ["---", *["---:"] * (len(sheet.columns) - 1)]
    rows = [_markdown_row(sheet.columns), f"| {' | '.join(align)} |"]
    for row in sheet.rows:
        rows.append(_markdown_row([f"**{cell}**" for cell in row] if ours(row) else row))
    notes = [f"[{n}] {text}  " for n, text in enumerate(sheet.notes, 1)]
    above = ["".join(lines).strip(), ""] if lines else []
    below = ["", *notes] if notes else []
    return "\n".join([*head, *above, *rows, *below]).rstrip()


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
