"""The command `python -m benchmarks`: its arguments, and the order in which things happen."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks import documents
from benchmarks.chart import draw
from benchmarks.libraries import LIBRARIES, WITHOUT_FLOW
from benchmarks.machine import describe
from benchmarks.measure import Plan, Say, compare
from benchmarks.networks.network import Network
from benchmarks.networks.perceptron import Perceptron
from benchmarks.report import explanation, on_screen, sheets
from benchmarks.results import Results
from benchmarks.results import read as read_results
from benchmarks.startup import start_up
from benchmarks.workloads import GROUPS, WORKLOADS, Workload

STARTUP = "startup"
DEFAULT = ["main", STARTUP]
FIRST = next(iter(WORKLOADS))
ALL = ",".join(name for name, library in LIBRARIES.items() if not library.asked)
OUTPUT = Path("results") / "benchmarks.json"

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)

What = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[WHAT]...",
        help=f"Workloads ({', '.join(WORKLOADS)}), groups of them ({', '.join(GROUPS)}), or "
        f"{STARTUP}: import, first step, memory, size.  [default: {' '.join(DEFAULT)}]",
    ),
]
Libraries = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Which libraries take part, separated by commas; "
        f"{WITHOUT_FLOW}, which does not look at the gradient, only if it is named.",
    ),
]
Repeats = Annotated[int, typer.Option(min=1, help="Slices of every library, taken in turn.")]
Slice = Annotated[
    float, typer.Option(min=0.0, help="Seconds of one slice; it has at least one epoch.")
]
StartupRepeats = Annotated[int, typer.Option(min=1, help="Fresh processes of every library.")]
SHAPE = "Instead of the workloads' own"
Batch = Annotated[
    int | None, typer.Option(min=1, help="Samples in a batch.", rich_help_panel=SHAPE)
]
Batches = Annotated[
    int | None, typer.Option(min=1, help="Batches in an epoch.", rich_help_panel=SHAPE)
]
Layers = Annotated[
    str | None,
    typer.Option(
        metavar="SIZES",
        help="Lengths of input, hidden layers and output of a perceptron, such as 30,64,64,2.",
        rich_help_panel=SHAPE,
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="float32 or float64.", rich_help_panel=SHAPE),
]
LearningRate = Annotated[
    float | None, typer.Option(help="Of the optimizer.", rich_help_panel=SHAPE)
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Of the data and the starting weights.", rich_help_panel=SHAPE),
]
Output = Annotated[
    Path, typer.Option(help="Where the JSON goes; the chart is beside it, ending in .svg.")
]
Read = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Measure nothing, show what an earlier run has written."),
]
WriteDocs = Annotated[
    bool,
    typer.Option(
        "--write-docs", help="Put tables and chart into README.md and docs/performance.md."
    ),
]


@app.command(
    epilog="For example: `python -m benchmarks W1 --libraries gradiente,jax.scan --batch 64`"
)
def benchmark(
    what: What = None,
    libraries: Libraries = ALL,
    repeats: Repeats = Plan.repeats,
    slice: Slice = Plan.slice,
    startup_repeats: StartupRepeats = 3,
    batch: Batch = None,
    batches: Batches = None,
    layers: Layers = None,
    dtype: Dtype = None,
    learning_rate: LearningRate = None,
    seed: Seed = None,
    output: Output = OUTPUT,
    read: Read = None,
    write_docs: WriteDocs = False,
) -> None:
    """Compare gradiente with PyTorch, JAX and scikit-learn on this machine.

    Every library trains the same networks in a process of its own, and the processes take turns.
    """
    if write_docs:
        _check_documents()  # before minutes of measuring
    if read is None:
        changes = {
            "layers": _sizes(layers),
            "batch": batch,
            "batches": batches,
            "dtype": _dtype(dtype),
            "learning_rate": learning_rate,
            "seed": seed,
        }
        names = what or DEFAULT
        run = Run(_chosen(libraries), Plan(repeats, slice), startup_repeats, output)
        results = run(_workloads(names, changes), STARTUP in names)
    else:
        results = _read(read)
    _show(results)
    if write_docs:
        for path in documents.write(results):
            typer.echo(f"written: {path}")
    if not all(comparison.sound for comparison in results.comparisons):
        raise typer.Exit(1)


@dataclass(frozen=True)
class Run:
    """Measures, and writes what it has after each part, so that an interrupt loses little."""

    libraries: Sequence[str]
    plan: Plan
    startup_repeats: int
    output: Path

    def __call__(self, workloads: Sequence[Workload], startup: bool) -> Results:
        """All that is wanted."""
        results = Results(what_to_repeat(sys.argv[1:]), describe())
        with Console(stderr=True).status("") as status:
            say: Say = status.update
            for workload in workloads:
                found = compare(workload, self.libraries, self.plan, say)
                results = replace(results, comparisons=(*results.comparisons, found))
                self._write(results)
            if startup:
                found_startups = start_up(self.libraries, self.startup_repeats, say)
                results = replace(results, startups=found_startups)
                self._write(results)
        return results

    def _write(self, results: Results) -> None:
        results.write(self.output)
        if results.comparisons:
            chart = draw(results.comparisons)
            self.output.with_suffix(".svg").write_text(chart, encoding="utf-8")


def _show(results: Results) -> None:
    screen = Console(highlight=False, markup=False)
    for sheet in sheets(results):
        screen.print(on_screen(sheet), "")
    for text in explanation(results):
        screen.print(text, style="dim")
    for text in (results.machine.title, results.machine.software):
        screen.print(text, style="dim")


def _check_documents() -> None:
    try:
        documents.check()
    except documents.NoMarkersError as error:
        raise typer.BadParameter(str(error), param_hint="--write-docs") from error


def _read(path: Path) -> Results:
    try:
        return read_results(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--read") from error


def what_to_repeat(arguments: Sequence[str]) -> str:
    """The command without what is of this machine, or of no influence on the figures."""
    kept, waiting = [], list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == "--output":
            del waiting[:1]
        elif word != "--write-docs" and not word.startswith("--output="):
            kept.append(word)
    return shlex.join(["python", "-m", "benchmarks", *kept])


# -- arguments -------------------------------------------------------------------------------------


def _workloads(names: Sequence[str], changes: dict[str, Any]) -> list[Workload]:
    """The workloads meant by names of them and of groups, changed as wanted."""
    meanings = {name: (workload,) for name, workload in WORKLOADS.items()} | GROUPS | {STARTUP: ()}
    found: list[Workload] = []
    for name in names:
        if name not in meanings:
            known = ", ".join(meanings)
            raise typer.BadParameter(f"there is no {name}; there are {known}", param_hint="WHAT")
        found += meanings[name]
    wanted = {name: value for name, value in changes.items() if value is not None}
    layers = wanted.pop("layers", None)
    return [
        replace(workload, **wanted, network=_resized(workload, layers))
        for workload in dict.fromkeys(found)
    ]


def _resized(workload: Workload, layers: tuple[int, ...] | None) -> Network:
    """The network with other layers, which a multilayer perceptron can have."""
    if layers is None:
        return workload.network
    if not isinstance(workload.network, Perceptron):
        raise typer.BadParameter(
            f"{workload.network.title} of {workload.name} has no such list of layers; "
            f"a multilayer perceptron, such as {FIRST}, has",
            param_hint="--layers",
        )
    return Perceptron(layers)


def _chosen(libraries: str) -> list[str]:
    names = [name.strip() for name in libraries.split(",") if name.strip()]
    for name in names:
        if name not in LIBRARIES:
            known = ", ".join(LIBRARIES)
            raise typer.BadParameter(
                f"there is no {name}; there are {known}", param_hint="--libraries"
            )
        if not LIBRARIES[name].installed:
            raise typer.BadParameter(
                f"{name} is not installed; pip install -e '.[bench]' installs all of them",
                param_hint="--libraries",
            )
    return names


def _sizes(layers: str | None) -> tuple[int, ...] | None:
    if layers is None:
        return None
    try:
        sizes = tuple(int(size) for size in layers.split(","))
    except ValueError:
        sizes = ()
    if len(sizes) < 2 or min(sizes) < 1:
        raise typer.BadParameter(
            f"two sizes or more, such as 30,64,64,2, not {layers}", param_hint="--layers"
        )
    return sizes


def _dtype(name: str | None) -> str | None:
    if name not in (None, "float32", "float64"):
        raise typer.BadParameter(f"float32 or float64, not {name}", param_hint="--dtype")
    return name
