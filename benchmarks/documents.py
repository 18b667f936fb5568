"""The results in the documents: what stands between two markers there is replaced."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.chart import draw
from benchmarks.process import FOLDER
from benchmarks.report import explanation, in_markdown, overview, sheets, startup_sheet
from benchmarks.results import Results

BEGIN, END = "<!-- benchmarks:begin -->", "<!-- benchmarks:end -->"
CHART = "docs/performance.svg"


class NoMarkersError(ValueError):
    """A document does not say where the results belong."""


def summary(results: Results) -> str:
    """For the README: one row a workload."""
    parts = [f"Measured on {results.machine.title}, {results.machine.date}."]
    if results.comparisons:
        parts.append(in_markdown(overview(results.comparisons), level=0))
        parts.append(f"![Time per training step relative to gradiente]({CHART})")
    if results.startups:
        parts.append(in_markdown(startup_sheet(results.startups), level=0))
    return "\n\n".join([*parts, *explanation(results)])


def details(results: Results) -> str:
    """For `docs/performance.md`: every figure."""
    machine = results.machine
    parts = [
        f"Machine: {machine.title}.  \nSoftware: {machine.software}.  \nDate: {machine.date}.  \n"
        f"Command: `{results.command}`",
        *explanation(results),
    ]
    if results.comparisons:
        parts.append(f"![Time per training step relative to gradiente]({Path(CHART).name})")
    return "\n\n".join([*parts, *map(in_markdown, sheets(results))])


DOCUMENTS: dict[str, Callable[[Results], str]] = {
    "README.md": summary,
    "docs/performance.md": details,
}


def check(folder: Path = FOLDER) -> None:
    """Raises `NoMarkersError` if `write` would."""
    for name in DOCUMENTS:
        replaced(_text(folder / name), "", name)


def write(results: Results, folder: Path = FOLDER) -> list[Path]:
    """Replace the results in all documents, or in none. Raises `NoMarkersError`."""
    new = {
        folder / name: replaced(_text(folder / name), text(results), name)
        for name, text in DOCUMENTS.items()
    }
    if results.comparisons:
        new[folder / CHART] = draw(results.comparisons)
    for path, text in new.items():
        path.write_text(text, encoding="utf-8")
    return list(new)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def replaced(document: str, block: str, name: str) -> str:
    """The document with the block between its markers, which stay."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise NoMarkersError(
            f"{name} has no lines {BEGIN} and {END} for the results to stand between"
        )
    return f"{before}{BEGIN}\n\n{block}\n\n{END}{after}"
