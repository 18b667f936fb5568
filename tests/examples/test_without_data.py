"""The examples that make their own data run as they are, and write a plot."""

import ast

import pytest

from tests.examples.loading import load, run


@pytest.mark.parametrize("name", ["xor", "two_spirals"])
def test_the_classes_are_learned_and_drawn(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run(name)
    reached = ast.literal_eval(capsys.readouterr().out)
    assert reached["accuracy"] > 0.99
    assert "plotly" in (tmp_path / f"{name}.html").read_text(encoding="utf-8")


def test_the_sine_is_learned_and_drawn(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run("sine_regression")
    training, error = (float(line.split()[-1]) for line in capsys.readouterr().out.splitlines())
    assert training < 0.03 and error < 0.08
    assert "plotly" in (tmp_path / "sine_regression.html").read_text(encoding="utf-8")


def test_two_spirals_wind_around_each_other():
    x, y = load("two_spirals").spirals(400, seed=3)
    assert x.shape == (800, 2) and (y[:400] == 0).all() and (y[400:] == 1).all()
    # A point and its mirror image are of different spirals: no line separates them.
    assert abs(x[:400].mean(axis=0) + x[400:].mean(axis=0)).max() < 0.02
