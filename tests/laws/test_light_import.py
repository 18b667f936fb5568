"""`import gradiente` loads NumPy and nothing else heavy, and costs little more than NumPy."""

import json
import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
HEAVY = """
    llvmlite polars pandas sklearn scipy plotly rich typer PIL jax torch safetensors jinja2
"""
SECONDS = 0.15
ATTEMPTS = 5

PROGRAM = """
import json, sys, time
import numpy
start = time.perf_counter()
import gradiente
seconds = time.perf_counter() - start
roots = sorted({name.split(".")[0] for name in sys.modules})
print(json.dumps({"seconds": seconds, "roots": roots, "file": gradiente.__file__}))
"""


def run(program: str) -> dict:
    """What a program prints, run by a fresh interpreter that finds the library in this checkout."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    finished = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_import_is_light():
    seen = run(PROGRAM)
    assert Path(seen["file"]) == SOURCE / "gradiente" / "__init__.py"
    loaded = sorted(set(HEAVY.split()) & set(seen["roots"]))
    assert not loaded, f"`import gradiente` loads {', '.join(loaded)}"


def test_import_is_quick():
    # The best of several: the first may compile bytecode, and the machine may be busy.
    best = min(run(PROGRAM)["seconds"] for _ in range(ATTEMPTS))
    assert best <= SECONDS, f"`import gradiente` takes {best:.3f} s beyond NumPy"


def test_a_heavy_import_would_be_seen():
    seen = run(PROGRAM.replace("import gradiente\n", "import gradiente, sqlite3\n"))
    assert "sqlite3" in seen["roots"]
    assert "sqlite3" not in run(PROGRAM)["roots"]
