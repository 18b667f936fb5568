"""Start-up: fresh processes answer; sizes on the disk; where memory figures come from."""

import pytest

from benchmarks import first_step, startup
from benchmarks.installed import closure, installed_size
from benchmarks.libraries import Library
from benchmarks.memory import peak, resident
from benchmarks.process import ProcessFailed
from benchmarks.startup import FIRST, NUMPY, fresh, start_up
from benchmarks.training import Unsuitable


def test_an_import_is_timed_in_a_fresh_process():
    found = fresh({"imports": "json.tool"})
    assert found["seconds"] > 0 and set(found) == {"seconds", "resident", "peak"}


def test_a_first_step_is_timed_in_a_fresh_process(tmp_path):
    request = {"library": "gradiente", "workload": FIRST.shortened(1).record(), "epochs": 1}
    assert fresh(request, GRADIENTE_CACHE=str(tmp_path))["seconds"] > 0


def test_a_process_that_fails_says_so():
    with pytest.raises(ProcessFailed, match="No module named 'not_there'"):
        fresh({"imports": "not_there"})


def test_every_measure_of_every_library(monkeypatch):
    requests = []

    def answer(request, **variables):
        requests.append((request, variables))
        if request.get("library") == "torch":
            raise Unsuitable("not today")
        return {"seconds": 0.5, "resident": 1000, "peak": None}

    monkeypatch.setattr(startup, "fresh", answer)
    monkeypatch.setattr(startup, "installed_size", len)
    numpy, ours, torch = start_up(["gradiente", "torch"], 2, lambda text: None)
    assert numpy.library == NUMPY and set(numpy.values) == {"import", "resident", "installed"}
    assert ours.values["import"] == ours.values["cold"] == ours.values["cached"] == (0.5, 0.5)
    assert not [measure for measure in ours.values if measure.startswith("peak")]
    assert torch.notes == ("not today",)
    caches = [v["GRADIENTE_CACHE"] for r, v in requests if r.get("epochs") and v]
    cold, cached = caches[0::4], caches[1::4]
    assert len(set(cold)) == 3 and len(set(cached)) == 1  # a warm-up and two repeats


def test_sizes_on_the_disk():
    names = {found.name for found in closure(["gradiente"])}
    assert {"gradiente", "numpy", "llvmlite"} <= names and "pytest" not in names
    numpy = installed_size(["numpy"])
    assert 1e6 < numpy == installed_size(["numpy", "numpy", "not-installed"])
    assert installed_size(["gradiente"]) > numpy


def test_memory_is_a_number_of_bytes_or_nothing():
    now, most = resident(), peak()
    assert now is None or (now > 1e6 and most is not None)


def test_a_first_step_that_cannot_be_says_why(monkeypatch):
    def training(library, workload, **options):
        raise Unsuitable("too small")

    monkeypatch.setattr(Library, "training", training)
    request = {"library": "torch", "workload": FIRST.record(), "epochs": 1}
    assert first_step.main(request) == {"unsuitable": "too small"}
