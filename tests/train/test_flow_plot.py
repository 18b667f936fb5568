"""The heat maps of the flow: rows from input to output layer, colours of the logarithms."""

import math

import numpy as np
import pytest

from gradiente.base.errors import InvalidArgumentError, UnknownNameError
from gradiente.train.history import History


def row(epoch, layer, **values):
    usual = dict.fromkeys(("gradient", "activation", "error", "update"), 1.0)
    return {"epoch": epoch, "layer": layer, "kind": "Dense", "dead": None, "saturated": None} | (
        usual | values
    )


HISTORY = History(
    [{"epoch": 1}, {"epoch": 4}],
    flow=[
        row(1, "0", gradient=0.01, dead=0.25),
        row(1, "<2>", gradient=100.0),
        row(4, "0", gradient=0.0, dead=0.5),
        row(4, "<2>", gradient=math.inf),
    ],
)


def test_logarithms_of_norms():
    (heat,) = HISTORY.plot_flow().data
    assert list(heat.y) == ["0 Dense", "&lt;2&gt; Dense"] and list(heat.x) == ["1", "4"]
    np.testing.assert_allclose(heat.z[0][0], -2)
    np.testing.assert_allclose(heat.z[1][0], 2)
    assert heat.z[0][1] is None and heat.z[1][1] is None
    assert [*map(list, heat.text)] == [["0.01", "0"], ["100", "inf"]]
    ticks = dict(zip(heat.colorbar.ticktext, heat.colorbar.tickvals, strict=True))
    assert ticks["0.01"] == -2 and ticks["1"] == 0


def test_shares_as_they_are():
    (heat,) = HISTORY.plot_flow("dead").data
    assert list(heat.y) == ["0 Dense"] and list(heat.z[0]) == [0.25, 0.5]
    assert (heat.zmin, heat.zmax) == (0, 1)


def test_what_cannot_be_drawn():
    with pytest.raises(UnknownNameError, match="not `norm`"):
        HISTORY.plot_flow("norm")
    with pytest.raises(InvalidArgumentError, match="in no epoch"):
        HISTORY.plot_flow("saturated")
