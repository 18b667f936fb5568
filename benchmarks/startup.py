"""What a library costs before it has trained: import, first step, memory, size on the disk."""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.installed import installed_size
from benchmarks.libraries import LIBRARIES, Library
from benchmarks.process import FOLDER, ProcessFailed, environment
from benchmarks.results import StartUp
from benchmarks.training import Unsuitable
from benchmarks.workloads import WORKLOADS, Workload

IMPORT, RESIDENT, COLD, CACHED, INSTALLED = "import", "resident", "cold", "cached", "installed"
FIRST = WORKLOADS["W1"]
MEMORY = {f"peak memory, {name}": WORKLOADS[name] for name in ("W1", "W2")}

NUMPY = "numpy"  # what all of them stand on; measured alone, and does not train

Say = Callable[[str], None]
Values = dict[str, list[float]]


def start_up(libraries: Sequence[str], repeats: int, say: Say) -> tuple[StartUp, ...]:
    """Fresh processes of all libraries in turn, so many times."""
    values: dict[str, Values] = {name: defaultdict(list) for name in (NUMPY, *libraries)}
    reasons: dict[str, str] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in values:
            say(f"start-up: {name}, once, so that files are read and caches filled")
            with _excuses(reasons, name):
                _measure(name, Path(folder) / name, defaultdict(list))
        for repeat in range(repeats):
            for name in values:
                if name in reasons:
                    continue
                say(f"start-up: {name}, {repeat + 1} of {repeats}")
                with _excuses(reasons, name):
                    _measure(name, Path(folder) / name, values[name])
    return tuple(_record(name, found, reasons.get(name)) for name, found in values.items())


@contextmanager
def _excuses(reasons: dict[str, str], name: str) -> Iterator[None]:
    try:
        yield
    except (Unsuitable, ProcessFailed) as reason:
        reasons[name] = str(reason)


def _measure(name: str, cache: Path, values: Values) -> None:
    """One of each measure; compiled code stays in the cache, which a cold start does not see."""
    imports = NUMPY if name == NUMPY else LIBRARIES[name].imports
    imported = fresh({"imports": imports})
    _add(values, IMPORT, imported["seconds"])
    _add(values, RESIDENT, imported["resident"])
    if name == NUMPY:
        return
    library = LIBRARIES[name]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as empty:
        _add(values, COLD, _train(library, FIRST.shortened(1), Path(empty))["seconds"])
    if library.caches:
        _add(values, CACHED, _train(library, FIRST.shortened(1), cache)["seconds"])
    for measure, workload in MEMORY.items():
        _add(values, measure, _train(library, workload, cache)["peak"])


def _add(values: Values, measure: str, value: float | None) -> None:
    if value is not None:  # the system does not say
        values[measure].append(value)


def _train(library: Library, workload: Workload, cache: Path) -> dict[str, Any]:
    """One epoch in a process of its own."""
    request = {"library": library.name, "workload": workload.record(), "epochs": 1}
    caches = {name: value.format(cache) for name, value in library.caches.items()}
    return fresh(request, **caches)


def fresh(request: dict[str, Any], **variables: str) -> dict[str, Any]:
    """What `first_step` answers. Raises `Unsuitable`, and `ProcessFailed` if it answers nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.first_step", json.dumps(request)],
        cwd=FOLDER,
        env=environment(**variables),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        last = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise ProcessFailed(last[-1])
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    if "unsuitable" in answer:
        raise Unsuitable(answer["unsuitable"])
    return answer


def _record(name: str, values: Values, reason: str | None) -> StartUp:
    distributions = (NUMPY,) if name == NUMPY else LIBRARIES[name].distributions
    sizes = {INSTALLED: (float(installed_size(distributions)),)}
    found = {measure: tuple(repeats) for measure, repeats in values.items()}
    return StartUp(name, {**found, **sizes}, (reason,) if reason else ())
