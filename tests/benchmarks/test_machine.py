"""The machine in words."""

from benchmarks.machine import describe


def test_this_machine():
    machine = describe()
    assert machine.processor and machine.cores >= 1 and machine.date.count("-") == 2
    assert machine.versions["gradiente"] and machine.versions["numpy"]
    assert machine.processor in machine.title and "numpy" in machine.software


def test_one_core_is_one_core(results):
    assert "2 cores, fma, avx2" in results.machine.title
