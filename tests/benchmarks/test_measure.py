"""Libraries take turns; what cannot be done is noted."""

from benchmarks import measure
from benchmarks.measure import Entrant, Plan, compare
from benchmarks.process import ProcessFailed
from benchmarks.training import Unsuitable
from benchmarks.workloads import perceptron

TINY = perceptron("tiny", 3, 4, 2, batch=2, batches=5)


class Stub:
    """A process that says what it is asked, and behaves as its name tells."""

    order: list[str] = []

    def __init__(self, library):
        self.library = library
        self.trained = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        pass

    def prepare(self, workload):
        if self.library == "unable":
            raise Unsuitable("it cannot")
        return "a note" if self.library == "incomparable" else ""

    def losses(self, epochs):
        if self.library == "incomparable":
            raise Unsuitable("a note")
        return [2.0, 1.5 if self.library == "other" else 1.0]

    def train(self, epochs):
        self.trained += 1
        if self.library == "mortal" and self.trained > 3:
            raise ProcessFailed("mortal ended")
        Stub.order.append(self.library)
        return {"seconds": 0.1 * epochs, "idle": 1.0 if self.library == "restless" else 0.0}


def test_a_comparison(monkeypatch):
    monkeypatch.setattr(measure, "Process", Stub)
    monkeypatch.setattr(measure, "PAUSE", 0)
    names = ["gradiente", "other", "unable", "mortal", "incomparable", "restless"]
    said = []
    found = compare(TINY, names, Plan(repeats=2, slice=0.3), said.append)
    assert found.missing == {"unable": "it cannot"}
    assert found.failed == {"mortal": "mortal ended"}
    timings = {timing.library: timing for timing in found.timings}
    assert list(timings) == ["gradiente", "other", "incomparable", "restless"]
    assert all(abs(s - 0.02) < 1e-9 for t in timings.values() for s in t.seconds)  # 5 batches
    assert [len(timing.seconds) for timing in timings.values()] == [2, 2, 2, 2]
    assert timings["gradiente"].difference == timings["restless"].difference == 0
    assert not timings["other"].comparable
    assert timings["incomparable"].difference is None
    assert timings["incomparable"].notes == ("a note",)
    assert timings["restless"].notes == ("kept 1.00 cores busy while others trained",)
    assert len(found.peaks) == 2 and min(found.peaks) > 0
    assert "tiny: round 2 of 2, other" in said


def test_every_round_begins_with_another():
    names = ["a", "b", "c"]
    assert [measure._turns(names, repeat)[0] for repeat in range(4)] == ["a", "b", "c", "a"]
    assert sorted(measure._turns(names, 1)) == names
    assert measure._turns([], 3) == []


def test_a_slice_has_one_epoch_at_least():
    entrant = Entrant(Stub("gradiente"))
    measure._prepare(entrant, TINY, Plan(slice=0.01))
    assert entrant.epochs == 1
