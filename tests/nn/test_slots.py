"""Places of arrays, and the snapshots that put them back."""

import numpy as np
import pytest

from gradiente.base.errors import TypeMismatchError
from gradiente.base.types import type_of
from gradiente.graph.node import Node
from gradiente.nn.slots import Place, Slot, Snapshot, containers_in, places_at
from gradiente.trace.functions import Tensor

ARRAY = np.ones(2)


def symbol():
    return Tensor(Node(None, (), {}, type_of(ARRAY), name="x"))


def test_places_are_found_in_nested_containers():
    attributes = {"a": [ARRAY, {"b": ARRAY, "c": "text"}, [1, [ARRAY]]]}
    found = dict(places_at(attributes, "a", "a"))
    assert list(found) == ["a.0", "a.1.b", "a.2.1.0"]
    found["a.1.b"].fill(5)
    assert attributes["a"][1]["b"] == 5
    with pytest.raises(TypeMismatchError, match=r"`a\.0` is a tuple"):
        list(places_at({"a": [(ARRAY,)]}, "a", "a"))


def test_a_slot_fills_every_place():
    first, second = {"x": ARRAY}, [ARRAY]
    slot = Slot("x", None, "x", [Place(first, "x"), Place(second, 0)], True, False)
    slot.fill(3)
    assert (first, second, slot.value) == ({"x": 3}, [3], 3)


def test_a_snapshot_takes_out_symbols_only():
    kept = symbol()
    inner = [kept]
    attributes = {"old": ARRAY, "none": None, "inner": inner, "table": {}, "count": 0}
    snapshot = Snapshot(containers_in(attributes))
    attributes.update(old=symbol(), none=[symbol()], new=(symbol(),), count=1)
    inner.append(symbol())
    attributes["table"]["x"] = symbol()
    snapshot.restore()
    assert attributes == {"old": ARRAY, "none": None, "inner": inner, "table": {}, "count": 1}
    assert inner == [kept]
    assert attributes["old"] is ARRAY
