"""The loop of multiply-adds: valid code, no memory in the loop, a rate."""

import pytest
from llvmlite import binding as llvm

from benchmarks import roofline
from benchmarks.roofline import ACCUMULATORS, Roofline, kernel


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [16, 32, 64])
def test_the_code_of_every_width(monkeypatch, dtype, width):
    monkeypatch.setattr(roofline, "vector_bytes", lambda: width)
    text = kernel(dtype)
    llvm.parse_assembly(text).verify()
    loop = text.partition("loop:")[2].partition("end:")[0]
    assert loop.count("@llvm.fma") == ACCUMULATORS and "load" not in loop and "store" not in loop


def test_a_rate_is_measured(monkeypatch):
    monkeypatch.setattr(roofline, "SECONDS", 1e-4)
    monkeypatch.setattr(roofline, "TRIAL", 100)
    assert Roofline("float32").measure() > 0
