"""What the tests of the benchmarks share: results that nobody measured, small workloads."""

import pytest

from benchmarks.machine import Machine
from benchmarks.networks.convolutional import Convolutional
from benchmarks.networks.perceptron import Perceptron
from benchmarks.networks.recurrent import Recurrent
from benchmarks.networks.residual import Residual
from benchmarks.networks.transformer import Transformer
from benchmarks.results import Comparison, Results, StartUp, Timing
from benchmarks.workloads import WORKLOADS, Workload

SMALL = (
    Workload("classes", Perceptron((6, 9, 5, 3)), 8, 12),
    Workload("number", Perceptron((6, 9, 1)), 8, 12),
    Workload("images", Convolutional((8, 8, 2), (3, 4), 5, 3), 8, 6, "AdamW"),
    Workload("residual", Residual((8, 6, 3), (4, 6), 2, 3), 8, 6, "AdamW"),
    Workload("text", Transformer(7, 5, 8, heads=2, layers=2), 6, 6, "AdamW"),
    Workload("sequences", Recurrent(3, 5, 4, 3), 8, 6, "AdamW"),
)


@pytest.fixture(params=SMALL, ids=lambda workload: workload.name)
def small(request) -> Workload:
    """A small workload of every kind, and for every loss."""
    return request.param


@pytest.fixture
def results() -> Results:
    """Ours wins on W1 and loses on W2; torch computes something else on W2."""
    first = Comparison(
        WORKLOADS["W1"],
        (
            Timing("gradiente", (9e-6, 10e-6, 12e-6), 0.0),
            Timing("torch", (380e-6, 400e-6, 390e-6), 2e-7),
            Timing("jax.scan", (30e-6, 35e-6, 31e-6), 1e-6),
            Timing("sklearn", (290e-6, 300e-6, 310e-6), None, notes=("one output, not two",)),
        ),
        {"torch.compile": "torch.compile fails: no compiler | none at all"},
        peaks=(200e9, 234e9),
    )
    second = Comparison(
        WORKLOADS["W2"],
        (
            Timing("gradiente", (1.0e-3,), 0.0),
            Timing("torch", (0.1e-3,), 0.5),
            Timing("jax.scan", (0.8e-3,), 1e-6),
        ),
    )
    startups = (
        StartUp("numpy", {"import": (0.09, 0.1, 0.2), "resident": (24e6,)}),
        StartUp("gradiente", {"import": (0.14,), "cold": (0.5,), "installed": (750e6,)}),
    )
    machine = Machine(
        "Some CPU", "znver4", 2, ("fma", "avx2"), "Linux x86_64", "3.12.1", {"numpy": "2.4"}, "1999"
    )
    return Results("python -m benchmarks W1 W2", machine, (first, second), startups)
