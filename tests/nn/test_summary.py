"""The table of a network, as data, text and HTML."""

import numpy as np

from gradiente import nn

X = np.zeros((6, 4), np.float32)


def made():
    return nn.Sequential(nn.Dense(5), nn.relu, nn.BatchNorm(), nn.Dense(2))


def test_rows_have_shapes_parameters_and_bytes():
    summary = nn.summary(made(), X)
    assert [(r.path, r.kind, r.output, r.parameters, r.bytes) for r in summary.rows] == [
        ("", "Sequential", "(6, 2)", 0, 0),
        ("0", "Dense", "(6, 5)", 25, 100),
        ("2", "BatchNorm", "(6, 5)", 10, 80),
        ("3", "Dense", "(6, 2)", 12, 48),
    ]
    assert (summary.parameters, summary.trainable, summary.bytes) == (47, 47, 228)


def test_without_an_input_it_counts_what_is_there():
    net = made()
    summary = nn.summary(net)
    assert summary.parameters == 0
    assert {row.output for row in summary.rows} == {"?"}
    assert nn.summary(net.initialize(X)).parameters == 47


def test_it_leaves_the_network_as_it_was():
    """Not least without parameters, which a trainer creates from its own seed."""
    net = made()
    nn.summary(net, X)
    assert net.state() == {}
    assert net[2]._buffers == frozenset()


def test_frozen_parameters_are_told():
    net = made().initialize(X).freeze("0.*")
    summary = nn.summary(net, X)
    assert [row.frozen for row in summary.rows] == [False, True, False, False]
    assert summary.trainable == 22
    assert "Dense (frozen)" in str(summary)
    assert "47 parameters, 25 of them frozen, 228 bytes" in str(summary)


def test_text():
    text = str(nn.summary(made(), X))
    lines = text.splitlines()
    assert "layer" in lines[1] and "output shape" in lines[1]
    assert any("BatchNorm" in line and "(6, 5)" in line and "10" in line for line in lines)
    assert lines[-1] == "47 parameters, 228 bytes"
    assert repr(nn.summary(made(), X)) == text
    assert "\x1b" not in text


def test_html():
    html = nn.summary(made(), X)._repr_html_()
    assert html.count("<tr>") == 5
    assert "<td>(6, 5)</td>" in html and "47 parameters, 228 bytes" in html


def test_names_are_shown_as_they_are():
    class Odd(nn.Module):
        def __init__(self):
            self.parts = {"[bold]<b>": nn.Dense(1)}

        def __call__(self, x):
            return self.parts["[bold]<b>"](x)

    summary = nn.summary(Odd(), X)
    assert "parts.[bold]<b>" in str(summary)
    assert "parts.[bold]&lt;b&gt;" in summary._repr_html_()


def test_arrays_in_lists_several_outputs_and_unused_layers():
    class Both(nn.Module):
        def __init__(self):
            self.weights = [np.ones((4, 3), np.float32)]
            self.unused = nn.Dense(2)

        def __call__(self, x):
            return {"a": x @ self.weights[0], "b": (x, 1)}

    rows = nn.summary(Both(), X).rows
    assert (rows[0].output, rows[0].parameters) == ("(6, 3), (6, 4)", 12)
    assert (rows[1].output, rows[1].parameters) == ("?", 0)
