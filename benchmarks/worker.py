"""The process of one library: reads requests from standard input, one a line, and answers them.

A request is a JSON object: `do`, the name of a method of `Worker`, and its arguments. So is an
answer: the `value`; or `unsuitable`, why the library cannot do it; or `error`, what was raised.
"""

import json
import os
import sys
import time
import traceback
from typing import Any

from benchmarks.libraries import LIBRARIES
from benchmarks.memory import peak
from benchmarks.training import Training, Unsuitable
from benchmarks.workloads import Workload


class Worker:
    """Does what is asked with the training it has prepared."""

    def __init__(self) -> None:
        self.training: Training | None = None
        self.rested = time.perf_counter(), time.process_time()

    def prepare(self, library: str, workload: dict[str, Any]) -> str:
        """Import the library and make a training; its note."""
        self.training = LIBRARIES[library].training(Workload.from_record(workload))
        return self.training.note

    def tell_losses(self, epochs: int) -> list[float]:
        """The mean loss of each of these epochs, without shuffling."""
        return self._prepared().losses(epochs)

    def train(self, epochs: int) -> dict[str, float]:
        """Seconds for that many epochs, and `idle`: cores kept busy since the last answer."""
        wall, busy = self.rested
        idle = (time.process_time() - busy) / (time.perf_counter() - wall)
        start = time.perf_counter()
        self._prepared().train(epochs)
        return {"seconds": time.perf_counter() - start, "idle": idle}

    def memory(self) -> int | None:
        """The most bytes the process has had in memory."""
        return peak()

    def _prepared(self) -> Training:
        if self.training is None:
            raise RuntimeError("nothing has been prepared")
        return self.training

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is written back."""
        arguments = dict(request)
        method = getattr(self, arguments.pop("do"))
        try:
            return {"value": method(**arguments)}
        except Unsuitable as reason:
            return {"unsuitable": str(reason)}
        except Exception as error:
            traceback.print_exc()
            return {"error": f"{type(error).__name__}: {first_line(error)}"}
        finally:
            self.rested = time.perf_counter(), time.process_time()


def first_line(error: Exception) -> str:
    """What an error says, without the pages that some of them go on for."""
    return next(iter(str(error).strip().splitlines()), "")


def main() -> None:
    """Answer until the standard input is closed."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # so that nothing a library prints is taken for an answer
    worker = Worker()
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
