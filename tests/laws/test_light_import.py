"""`import gradiente` loads NumPy and nothing else heavy, and costs little more than NumPy."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
HEAVY = """
    llvmlite polars pandas sklearn scipy plotly rich typer PIL jax torch safetensors jinja2
"""
SECONDS = 0.15
ATTEMPTS = 6

PROGRAM = """
import json, sys, time
import numpy
start = time.process_time()
import gradiente
seconds = time.process_time() - start
print(json.dumps({"seconds": seconds, "modules": [*sys.modules], "file": gradiente.__file__}))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs a program in a fresh interpreter, which finds the library in this checkout.

    Bytecode is kept in a folder of the test's own, as an installed library has it; where none is
    written every import would pay for compiling the sources.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "PYTHONPYCACHEPREFIX": str(tmp_path_factory.mktemp("bytecode")),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(program: str) -> dict:
        finished = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    return run


def roots(seen: dict) -> set[str]:
    """The packages whose modules were loaded."""
    return {name.split(".")[0] for name in seen["modules"]}


def test_import_is_light(run):
    seen = run(PROGRAM)
    assert Path(seen["file"]) == SOURCE / "gradiente" / "__init__.py"
    loaded = sorted(set(HEAVY.split()) & roots(seen))
    assert not loaded, f"`import gradiente` loads {', '.join(loaded)}"


def test_import_leaves_the_generators_of_numpy_alone(run):
    """With what they load themselves (OpenSSL among it) they are 6 MB of memory."""
    assert not {"numpy.random", "secrets", "hashlib"} & set(run(PROGRAM)["modules"])


def test_import_is_quick(run):
    # The best of several: the first compiles bytecode, and other tests keep the machine busy.
    seconds = []
    while len(seconds) < ATTEMPTS and min(seconds, default=1.0) > SECONDS:
        seconds.append(run(PROGRAM)["seconds"])
    best = min(seconds)
    assert best <= SECONDS, f"`import gradiente` takes {best:.3f} s beyond NumPy"


def test_a_heavy_import_would_be_seen(run):
    seen = run(PROGRAM.replace("import gradiente\n", "import gradiente, sqlite3\n"))
    assert "sqlite3" in roots(seen)
    assert "sqlite3" not in roots(run(PROGRAM))
