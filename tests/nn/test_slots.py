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


def test_a_copy_goes_into_memory_that_nobody_else_holds():
    attributes = {"x": np.zeros(3), "y": np.zeros(3)}
    where = attributes["x"].ctypes.data
    slot = Slot("x", None, "x", [Place(attributes, "x")], True, False)
    value = np.arange(3.0)
    slot.fill_with_copy(value)
    assert np.array_equal(attributes["x"], value)
    assert attributes["x"].ctypes.data == where
    assert not np.shares_memory(attributes["x"], value)


@pytest.mark.parametrize("hold", [lambda x: x, lambda x: x[:1], memoryview, lambda x: [x]])
def test_what_somebody_holds_is_not_overwritten(hold):
    attributes = {"x": np.zeros(3)}
    held = hold(attributes["x"])
    slot = Slot("x", None, "x", [Place(attributes, "x")], True, False)
    slot.fill_with_copy(np.ones(3))
    assert np.array_equal(attributes["x"], np.ones(3))
    assert np.ravel(held)[0] == 0


def test_a_shared_array_is_overwritten_if_only_its_places_hold_it():
    shared = np.zeros(3)
    first, second = {"x": shared}, [shared]
    slot = Slot("x", None, "x", [Place(first, "x"), Place(second, 0)], True, False)
    slot.fill_with_copy(np.ones(3))
    assert shared[0] == 0
    assert first["x"] is second[0]
    del shared
    where = first["x"].ctypes.data
    slot.fill_with_copy(np.full(3, 2.0))
    assert first["x"] is second[0]
    assert (first["x"][0], first["x"].ctypes.data) == (2.0, where)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(4),
        np.zeros(3, np.float32),
        np.asfortranarray(np.zeros((3, 2))),
        np.broadcast_to(0.0, 3),
    ],
    ids=["length", "type", "order", "fixed"],
)
def test_an_array_that_would_lie_otherwise_is_replaced(array):
    attributes = {"x": array.copy("K") if array.flags.writeable else array}
    value = np.ones((3, 2) if array.ndim == 2 else 3)
    slot = Slot("x", None, "x", [Place(attributes, "x")], True, False)
    slot.fill_with_copy(value)
    assert attributes["x"].flags.c_contiguous
    assert attributes["x"].flags.writeable
    assert np.array_equal(attributes["x"], value)
