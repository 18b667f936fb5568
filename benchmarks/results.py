"""What was measured, as records that go to JSON and come back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.agreement import agrees
from benchmarks.libraries import OURS, WITHOUT_FLOW
from benchmarks.machine import Machine
from benchmarks.workloads import Workload

SCHEMA = 2


@dataclass(frozen=True)
class Timing:
    """One library on one workload.

    seconds: of a step, one figure for each slice of the run.
    difference: of its losses, as in `agreement`; `None` if they could not be compared.
    idle: how many cores it kept busy while it was the turn of the others.
    """

    library: str
    seconds: tuple[float, ...]
    difference: float | None = None
    idle: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def minimum(self) -> float:
        """Seconds of a step in the best slice."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """Seconds of a step in the middle one."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """How far the slowest slice is from the fastest, as a fraction of the median."""
        return (max(self.seconds) - min(self.seconds)) / self.median

    @property
    def comparable(self) -> bool:
        """False if it is known to compute something else."""
        return self.difference is None or agrees(self.difference)


@dataclass(frozen=True)
class Comparison:
    """All libraries on one workload.

    missing: the libraries that cannot do it, and why; failed: those that went wrong, and how.
    peaks: floating-point operations a second of all cores at best, measured between the slices.
    """

    workload: Workload
    timings: tuple[Timing, ...]
    missing: Mapping[str, str] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    peaks: tuple[float, ...] = ()

    @property
    def ours(self) -> Timing | None:
        """gradiente's, if it took part."""
        return next((timing for timing in self.timings if timing.library == OURS), None)

    @property
    def absent(self) -> dict[str, str]:
        """Why a library has no figures."""
        return {**self.missing, **self.failed}

    @property
    def sound(self) -> bool:
        """True if nothing failed, and all that were compared compute the same."""
        return not self.failed and all(timing.comparable for timing in self.timings)

    @property
    def best_peer(self) -> Timing | None:
        """The fastest of the others that compute the same."""
        peers = [t for t in self.timings if t.library not in (OURS, WITHOUT_FLOW) and t.comparable]
        return min(peers, key=lambda timing: timing.median, default=None)

    def ratio(self, timing: Timing) -> float | None:
        """How many times as long as ours it takes."""
        return timing.median / self.ours.median if self.ours else None

    def rate(self, timing: Timing) -> float:
        """Floating-point operations a second."""
        return self.workload.flops / timing.median

    def share(self, timing: Timing) -> float | None:
        """Of what all cores can do at best."""
        return self.rate(timing) / max(self.peaks) if self.peaks else None


@dataclass(frozen=True)
class StartUp:
    """What a library costs before it has trained; `values` has the repeats of each measure."""

    library: str
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def median(self, measure: str) -> float | None:
        """The middle one; `None` where there is nothing."""
        return median(self.values[measure]) if self.values.get(measure) else None


@dataclass(frozen=True)
class Results:
    """A whole run; `command` is what it was started by."""

    command: str
    machine: Machine
    comparisons: tuple[Comparison, ...] = ()
    startups: tuple[StartUp, ...] = ()

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        record = {"schema": SCHEMA, **asdict(self)}
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Results:
    """What `Results.write` wrote. Raises `ValueError` for a file of another schema."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if record.get("schema") != SCHEMA:
        raise ValueError(f"{path} has schema {record.get('schema')}, not {SCHEMA}")
    return Results(
        command=record["command"],
        machine=Machine(**record["machine"]),
        comparisons=tuple(map(_comparison, record["comparisons"])),
        startups=tuple(map(_startup, record["startups"])),
    )


def _comparison(record: dict[str, Any]) -> Comparison:
    return Comparison(
        workload=Workload.from_record(record["workload"]),
        timings=tuple(
            Timing(**{**t, "seconds": tuple(t["seconds"]), "notes": tuple(t["notes"])})
            for t in record["timings"]
        ),
        missing=record["missing"],
        failed=record["failed"],
        peaks=tuple(record["peaks"]),
    )


def _startup(record: dict[str, Any]) -> StartUp:
    values = {measure: tuple(found) for measure, found in record["values"].items()}
    return StartUp(record["library"], values, tuple(record["notes"]))
