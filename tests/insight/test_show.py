"""`gd.show` prints the chain rule of a function, as programs and as drawings, and its code."""

import inspect
import re

import numpy as np
import pytest

import gradiente as gd
from gradiente import losses, nn
from gradiente.base.errors import GradienteError, InvalidArgumentError, NotDifferentiableError
from gradiente.insight.show import graphs

W, X = np.ones((3, 2)), np.ones((4, 3))


def loss(w, x):
    hidden = np.tanh(x @ w)
    return np.mean(hidden**2)


LINE = loss.__code__.co_firstlineno


def line(number):
    return inspect.getsource(loss).splitlines()[number].strip()


def test_text(capsys):
    gd.show(loss, W, X)
    shown = capsys.readouterr().out
    forward, backward = shown.split("# backward: the chain rule from the result to each input\n")
    assert (
        forward
        == inspect.cleandoc(
            f"""
        # forward: loss
        loss(w: float64[3, 2], x: float64[4, 3]):
            v1 = x @ w                 : float64[4, 2]  # test_show.py:{LINE + 1}  {line(1)}
            v2 = tanh(v1)              : float64[4, 2]
            v3 = square(v2)            : float64[4, 2]  # test_show.py:{LINE + 2}  {line(2)}
            v4 = sum(v3, axes=(0, 1))  : float64[]
            v5 = v4 / 8                : float64[]
            return v5
        """
        )
        + "\n\n"
    )
    assert "gradient_of_loss(w: float64[3, 2], x: float64[4, 3]):" in backward
    returned = backward.splitlines()[-1]
    assert re.fullmatch(r"    return d/d w = v\d+, d/d x = v\d+", returned)
    assert " @ " in backward


def test_dot(capsys):
    gd.show(loss, W, X, format="dot")
    shown = capsys.readouterr().out
    assert shown.count("digraph") == 2
    assert 'digraph "loss" {' in shown
    assert 'digraph "gradient_of_loss" {' in shown
    assert shown.count("{") == shown.count("}")


def test_only_inputs_with_a_gradient_are_listed():
    _, derivative = graphs(lambda x, i, unused: x[i], X, np.array([0, 1]), np.ones(2))
    assert derivative.output_names == ("d/d x",)
    assert derivative.outputs[0].type.shape == X.shape


def test_trees_and_keywords_have_paths():
    forward, derivative = graphs(lambda params, x: x @ params["w"], {"w": W, "b": None}, x=X)
    assert [node.name for node in forward.inputs] == ["params.w", "x"]
    assert derivative.output_names == ("d/d params.w", "d/d x")


def test_what_cannot_be_shown_is_refused():
    with pytest.raises(InvalidArgumentError, match='"text" or "dot", not \'png\''):
        gd.show(loss, W, X, format="png")
    with pytest.raises(NotDifferentiableError, match="no output that depends smoothly"):
        gd.show(lambda n: n + 1, np.arange(3))


def equal_layers(w, x):
    hidden = np.tanh(x @ w)
    return np.tanh(hidden @ w)


SQUARE = np.ones((16, 16), np.float32)
FIRST = equal_layers.__code__.co_firstlineno + 1
COMMENTS = [
    "matmul, tanh",
    f"  test_show.py:{FIRST}  hidden = np.tanh(x @ w)",
    "matmul, tanh",
    f"  test_show.py:{FIRST + 1}  return np.tanh(hidden @ w)",
]


@pytest.mark.usefixtures("every_improvement")
@pytest.mark.parametrize("function", [equal_layers, gd.compile(equal_layers)])
def test_llvm_is_commented_with_operations_and_lines(capsys, function):
    gd.show(function, SQUARE, SQUARE, stage="llvm")
    shown = capsys.readouterr().out
    comments = "".join(f"; {line}\n" for line in COMMENTS)
    assert f"{comments}define void @matmul_tanh_0(" in shown
    assert shown.count("define void @matmul") == 1
    assert shown.count("call void @matmul_tanh_0(") == 2
    assert "define void @program(" in shown


@pytest.mark.usefixtures("every_improvement")
def test_machine_code_is_commented_too(capsys):
    gd.show(equal_layers, SQUARE, SQUARE, stage="asm")
    shown = capsys.readouterr().out
    assert re.search(r"^_?matmul_tanh_0:", shown, re.MULTILINE)
    for line in COMMENTS:
        assert re.search(rf"^(#|//) {re.escape(line)}$", shown, re.MULTILINE)


def test_comments_are_not_part_of_what_is_compiled():
    program = gd.compile(equal_layers).program(SQUARE, SQUARE)
    assert "test_show.py" not in program.module.text


def fitted(**options):
    network = nn.Sequential(nn.Dense(4), nn.relu, nn.Dense(1))
    trainer = gd.Trainer(network, losses.mse, **options)
    trainer.fit(X, np.ones((4, 1)), epochs=1, verbose=False)
    return trainer


def test_a_trainer_shows_its_step(capsys):
    trainer = fitted()
    gd.show(trainer)
    graph = capsys.readouterr().out
    assert graph.startswith("# training step: forward, backward and update\nupdate(")
    assert "in the optimizer" in graph and "in the loss" in graph and "in layer `0`" in graph
    gd.show(trainer, stage="llvm")
    shown = capsys.readouterr().out
    assert "define void @steps(" in shown and "in the optimizer" in shown
    gd.show(trainer, format="dot")
    assert capsys.readouterr().out.startswith("digraph")


def test_a_trainer_that_was_only_profiled_shows_its_step_without_clocks(capsys):
    trainer = gd.Trainer(nn.Sequential(nn.Dense(1)), losses.mse)
    trainer.fit(X, np.ones((4, 1)), epochs=1, verbose=False, profile=True)
    gd.show(trainer, stage="llvm")
    shown = capsys.readouterr().out
    assert "define void @steps(" in shown and "tally" not in shown


def test_stages_that_there_are_not():
    with pytest.raises(InvalidArgumentError, match='"graph", "llvm", "asm", not \'binary\''):
        gd.show(loss, W, X, stage="binary")
    with pytest.raises(InvalidArgumentError, match='"numpy" has no stage "llvm"'):
        gd.show(gd.compile(loss, backend="numpy"), W, X, stage="llvm")
    with pytest.raises(InvalidArgumentError, match='"numpy" has no stage "asm"'):
        gd.show(fitted(backend="numpy"), stage="asm")
    with pytest.raises(InvalidArgumentError, match="without arguments"):
        gd.show(fitted(), X)
    with pytest.raises(GradienteError, match="no training step yet"):
        gd.show(gd.Trainer(nn.Dense(1), losses.mse), stage="llvm")
