"""What came of a training, as plain data."""

import json
import math

import pytest

from gradiente.base.errors import RunError
from gradiente.cli.outcome import Outcome

OUTCOME = Outcome(
    test={"accuracy": 0.9, "AUC": math.nan},
    baseline={"accuracy": 0.5, "AUC": 0.5},
    baseline_output=(-0.7, -0.7),
    rows={"train": 64, "validation": 16, "test": 20},
    epochs=10,
    best_epoch=7,
    seconds=0.5,
    stopped="all epochs done",
    parameters=123,
)


def written():
    return json.loads(json.dumps(OUTCOME.to_dict(), allow_nan=False))


def test_it_survives_a_json_file():
    loaded = Outcome.from_dict(written(), outputs=2)
    assert math.isnan(loaded.test.pop("AUC"))
    assert loaded.test == {"accuracy": 0.9}
    assert loaded.baseline == OUTCOME.baseline
    assert loaded.rows == OUTCOME.rows
    assert loaded.stopped == OUTCOME.stopped


@pytest.mark.parametrize("field", written())
@pytest.mark.parametrize("value", [None, [], "x", {"train": 1}])
def test_damaged_fields_are_refused(field, value):
    if (field, value) == ("stopped", "x"):
        return
    with pytest.raises(RunError):
        Outcome.from_dict(written() | {field: value}, outputs=2)
    with pytest.raises(RunError):
        Outcome.from_dict({name: v for name, v in written().items() if name != field}, outputs=2)


def test_the_baseline_must_fit_the_target():
    with pytest.raises(RunError, match="must have 3 numbers"):
        Outcome.from_dict(written(), outputs=3)
