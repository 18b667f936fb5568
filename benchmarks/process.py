"""Processes seen from outside: where they run, what they find there, and how a worker is asked."""

import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.training import Unsuitable
from benchmarks.workloads import Workload

FOLDER = Path(__file__).parents[1]  # where `benchmarks` can be imported
PATIENCE = 10  # seconds a worker has to end by itself

# Would slow a library down, or tell it to use fewer cores than the others.
HINDRANCES = (
    "PYTHONDONTWRITEBYTECODE",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OMP_DYNAMIC",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "XLA_FLAGS",
    "GRADIENTE_THREADS",
    "GRADIENTE_CHECK",
    "GRADIENTE_SKIP",
)


class ProcessFailed(Exception):
    """A process ended or raised an error; says what it had to say about it."""


def environment(**variables: str) -> dict[str, str]:
    """The variables of a process: those of this one, without hindrances, and the given ones."""
    kept = {name: value for name, value in os.environ.items() if name not in HINDRANCES}
    return {**kept, **variables}


class Process:
    """The worker of one library, asleep until it is asked."""

    def __init__(self, library: str):
        self.library = library
        # A file, because a pipe that nobody reads would fill up; closed in `close`.
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.worker = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=FOLDER,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            encoding="utf-8",
        )

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def prepare(self, workload: Workload) -> str:
        """Make a training of this workload; returns its note."""
        note: str = self.ask("prepare", library=self.library, workload=workload.record())
        return note

    def losses(self, epochs: int) -> list[float]:
        """The mean losses of that many epochs."""
        losses: list[float] = self.ask("tell_losses", epochs=epochs)
        return losses

    def train(self, epochs: int) -> dict[str, float]:
        """`seconds` for that many epochs, and how many cores it kept busy before, when `idle`."""
        answer: dict[str, float] = self.ask("train", epochs=epochs)
        return answer

    def ask(self, do: str, **arguments: Any) -> Any:
        """The worker's answer.

        Raises `Unsuitable` if the library cannot do it, `ProcessFailed` if it failed or is gone.
        """
        assert self.worker.stdin is not None and self.worker.stdout is not None
        line = ""
        with suppress(BrokenPipeError):
            print(json.dumps({"do": do, **arguments}), file=self.worker.stdin, flush=True)
            line = self.worker.stdout.readline()
        if not line:
            raise ProcessFailed(f"{self.library} ended while it was to {do}{self._last_words()}")
        answer = json.loads(line)
        if "unsuitable" in answer:
            raise Unsuitable(answer["unsuitable"])
        if "error" in answer:
            raise ProcessFailed(f"{self.library} fails to {do}: {answer['error']}")
        return answer["value"]

    def _last_words(self) -> str:
        status = self.worker.wait()
        self.errors.seek(0)
        lines = self.errors.read().strip().splitlines()
        return f" (status {status})" + (f": {lines[-1]}" if lines else "")

    def close(self) -> None:
        """Let the worker end; make it end if it does not. Once is enough."""
        if self.errors.closed:
            return
        try:
            self.worker.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.worker.kill()
            self.worker.communicate()
        self.errors.close()
