"""Time per step: the processes of the libraries take turns in short slices."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from benchmarks import agreement
from benchmarks.libraries import OURS
from benchmarks.process import Process, ProcessFailed
from benchmarks.results import Comparison, Timing
from benchmarks.roofline import Roofline
from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload

PAUSE = 0.1  # seconds after a slice: the threads of some libraries wait awake before they sleep
BUSY = 0.02  # cores; more than that of a process whose turn it is not disturbs the others

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How long a run is: so many slices of each library, of so many seconds or one epoch."""

    repeats: int = 7
    slice: float = 0.5


@dataclass
class Entrant:
    """A library that takes part, and what is known of it so far."""

    process: Process
    note: str = ""
    losses: list[float] = field(default_factory=list)
    epochs: int = 1
    seconds: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


def compare(workload: Workload, libraries: Sequence[str], plan: Plan, say: Say) -> Comparison:
    """Prepare all libraries, compare their losses, then let them train in turn."""
    missing: dict[str, str] = {}
    failed: dict[str, str] = {}
    entrants: dict[str, Entrant] = {}
    roofline, peaks = Roofline(workload.dtype), []
    with ExitStack() as stack:
        for name in libraries:
            say(f"{workload.name}: {name} prepares")
            entrant = Entrant(stack.enter_context(Process(name)))
            try:
                _prepare(entrant, workload, plan)
                entrants[name] = entrant
            except Unsuitable as reason:
                missing[name] = str(reason)
            except ProcessFailed as reason:
                failed[name] = str(reason)
        for repeat in range(plan.repeats):
            peaks.append(roofline.measure())
            for name in _turns(list(entrants), repeat):
                say(f"{workload.name}: round {repeat + 1} of {plan.repeats}, {name}")
                try:
                    _slice(entrants[name], workload)
                except ProcessFailed as reason:
                    failed[name] = str(reason)
                    del entrants[name]
    return Comparison(workload, _timings(entrants), missing, failed, tuple(peaks))


def _prepare(entrant: Entrant, workload: Workload, plan: Plan) -> None:
    """Everything that is done once, compilation included; then how many epochs fill a slice."""
    process = entrant.process
    entrant.note = process.prepare(workload)
    try:
        entrant.losses = process.losses(agreement.EPOCHS)
    except Unsuitable:
        entrant.losses = []  # the note says why
    process.train(1)
    entrant.epochs = max(1, round(plan.slice / process.train(1)["seconds"]))


def _turns(names: list[str], repeat: int) -> list[str]:
    """Another one begins each time, so that none always follows the same."""
    start = repeat % len(names) if names else 0
    return names[start:] + names[:start]


def _slice(entrant: Entrant, workload: Workload) -> None:
    time.sleep(PAUSE)
    answer = entrant.process.train(entrant.epochs)
    entrant.seconds.append(answer["seconds"] / (entrant.epochs * workload.batches))
    entrant.idle.append(answer["idle"])


def _timings(entrants: dict[str, Entrant]) -> tuple[Timing, ...]:
    """The records of those that went all the way."""
    losses = {name: entrant.losses for name, entrant in entrants.items() if entrant.losses}
    reference = OURS if OURS in losses else next(iter(losses), "")
    differences = agreement.differences(losses, reference) if losses else {}
    return tuple(
        Timing(
            library=name,
            seconds=tuple(entrant.seconds),
            difference=differences.get(name),
            idle=median(entrant.idle),
            notes=tuple(_notes(entrant)),
        )
        for name, entrant in entrants.items()
    )


def _notes(entrant: Entrant) -> list[str]:
    notes = [entrant.note] if entrant.note else []
    if median(entrant.idle) > BUSY:
        notes.append(f"kept {median(entrant.idle):.2f} cores busy while others trained")
    return notes
