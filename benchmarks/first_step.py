"""A fresh process that imports a module, or a library and trains with it, and says what it cost.

    python -m benchmarks.first_step '{"imports": "numpy"}'
    python -m benchmarks.first_step '{"library": "torch", "workload": {...}, "epochs": 1}'

The answer is the last line of its output: `seconds` from the beginning of the import to the end of
the last step, `resident` and `peak` bytes of memory, or `unsuitable` with the reason.
"""

import json
import sys
import time
from importlib import import_module
from typing import Any

from benchmarks.memory import peak, resident


def train(library: str, workload: dict[str, Any], epochs: int) -> str:
    """Import and train; empty, or why that cannot be."""
    # Imported here, because NumPy is among what is being timed.
    training = import_module("benchmarks.training")
    shape = import_module("benchmarks.workloads").Workload.from_record(workload)
    try:
        import_module("benchmarks.libraries").LIBRARIES[library].training(shape).train(epochs)
    except training.Unsuitable as reason:
        return str(reason)
    return ""


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked and measure it."""
    start = time.perf_counter()
    if "imports" in request:
        import_module(request["imports"])
        reason = ""
    else:
        reason = train(**request)
    seconds = time.perf_counter() - start
    if reason:
        return {"unsuitable": reason}
    return {"seconds": seconds, "resident": resident(), "peak": peak()}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
