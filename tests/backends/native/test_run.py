"""Native programs and steps: the values of NumPy, the same bits for any number of threads."""

import os
import threading

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.native.run import NativeProgram, NativeSteps
from gradiente.backends.numpy.program import program as numpy_program
from gradiente.base.errors import IndexRangeError
from gradiente.base.trees import flatten
from gradiente.graph.graph import Graph
from gradiente.trace.trace import input_names, slot_of, trace

RANDOM = np.random.default_rng(0)


def graph_of(function, *args) -> Graph:
    leaves, structure = flatten((args, {}))
    names = input_names(function, args, {})
    return trace(function, structure, [slot_of(x) for x in leaves], names).graph


def normal(*shape) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def network_step(state, batch):
    """One step of gradient descent with momentum on a network of two layers."""
    x, y = batch

    def loss(parameters):
        hidden = gd.relu(x @ parameters["w1"] + parameters["b1"])
        return np.mean((hidden @ parameters["w2"] - y) ** 2)

    value, gradients = gd.value_and_grad(loss)(state["parameters"])
    velocity = {k: 0.9 * state["velocity"][k] + gradients[k] for k in gradients}
    moved = {k: state["parameters"][k] - 0.01 * velocity[k] for k in gradients}
    return {"parameters": moved, "velocity": velocity, "loss": state["loss"] + value}


def network_state(inputs: int, hidden: int, outputs: int):
    parameters = {
        "w1": normal(inputs, hidden) / 5,
        "b1": np.zeros(hidden, np.float32),
        "w2": normal(hidden, outputs) / 5,
    }
    zeros = {k: np.zeros_like(v) for k, v in parameters.items()}
    return {"parameters": parameters, "velocity": zeros, "loss": np.zeros((), np.float32)}


def run_steps(state, data, order, threads: int):
    leaves = flatten(state)[0]
    batch = tuple(column[order[0]] for column in data)
    graph = graph_of(network_step, state, batch)
    steps = NativeSteps(graph, len(leaves), order.shape[1], threads)
    steps.threads = threads  # also where the work would not be worth it
    arrays = [np.array(leaf) for leaf in leaves]
    steps(arrays, list(data), order)
    return arrays


DATA = normal(500, 20), normal(500, 5)
ORDER = RANDOM.permutation(500)[:480].reshape(15, 32)


def test_steps_equal_the_loop_over_numpy():
    state = network_state(20, 40, 5)
    got = run_steps(state, DATA, ORDER, threads=1)
    expected = state
    for rows in ORDER:
        expected = network_step(expected, tuple(column[rows] for column in DATA))
    for ours, theirs in zip(got, flatten(expected)[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("shape", [(20, 40, 5), (20, 17, 5), (20, 300, 5)])
def test_the_bits_do_not_depend_on_the_number_of_threads(shape):
    state = network_state(*shape)
    one = run_steps(state, DATA, ORDER, threads=1)
    for threads in (2, 3, 7):
        for ours, theirs in zip(run_steps(state, DATA, ORDER, threads), one, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_state_that_changes_places_is_not_lost():
    """A swap, an unchanged array and a transposed one: no output may destroy what is still read."""

    def step(state, batch):
        a, b, c, d = state
        return b, a, c, d.T + batch[0][0, 0] * 0

    state = [normal(3, 3) for _ in range(4)]
    graph = graph_of(step, tuple(state), (normal(2, 1),))
    arrays = [np.array(x) for x in state]
    NativeSteps(graph, 4, 2)(arrays, [normal(9, 1)], np.zeros((3, 2), np.int64))
    for ours, theirs in zip(arrays, [state[1], state[0], state[2], state[3].T], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_overwriting_waits_for_matrix_products_that_read_the_old_value():
    def step(state, batch):
        w, total = state
        (x,) = batch
        return w - 0.1 * np.mean(x), total + np.sum(x @ w) + np.sum(w.T @ w)

    state = (normal(6, 6), np.zeros((), np.float32))
    data, order = normal(40, 6), np.arange(40).reshape(5, 8)
    graph = graph_of(step, state, (data[:8],))
    arrays = [np.array(x) for x in state]
    NativeSteps(graph, 2, 8)(arrays, [data], order)
    for rows in order:
        state = step(state, (data[rows],))
    np.testing.assert_allclose(arrays[0], state[0], rtol=1e-5)
    np.testing.assert_allclose(arrays[1], state[1], rtol=1e-3)


def test_an_index_out_of_range_is_an_error_that_names_the_line():
    graph = graph_of(lambda x, i: gd.take(x, i, axis=0), normal(5, 2), np.array([1, 2]))
    program = NativeProgram(graph)
    np.testing.assert_array_equal(
        program([np.eye(5, 2, dtype=np.float32), np.array([4, 0])])[0], np.eye(5, 2)[[4, 0]]
    )
    for wrong in (5, 10**12, -(10**12)):
        with pytest.raises(IndexRangeError, match=r"take.*out of range(.|\n)*test_run\.py"):
            program([normal(5, 2), np.array([0, wrong])])
    program([normal(5, 2), np.array([0, 1])])  # and it works again


def test_inputs_may_lie_anyhow_and_are_left_alone():
    x = np.asfortranarray(normal(6, 5))
    x.flags.writeable = False
    graph = graph_of(lambda x, y: x @ y.T + 1.0, x, x)
    view = normal(12, 10)[::2, ::2]
    np.testing.assert_allclose(NativeProgram(graph)([x, view])[0], x @ view.T + 1, rtol=1e-5)


def test_two_threads_can_use_one_program():
    graph = graph_of(lambda x: (x @ x.T) * 2.0, normal(64, 64))
    program, failures = NativeProgram(graph), []

    def work(seed: int) -> None:
        x = np.random.default_rng(seed).normal(size=(64, 64)).astype(np.float32)
        expected = numpy_program(graph)([x])[0]
        for _ in range(50):
            if not np.allclose(program([x])[0], expected, rtol=1e-4, atol=1e-4):
                failures.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_native_code_works_after_a_fork():
    state = network_state(20, 40, 5)
    expected = run_steps(state, DATA, ORDER, threads=3)
    child = os.fork()
    if child == 0:
        got = run_steps(state, DATA, ORDER, threads=3)
        same = all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_programs_can_be_collected_while_others_run():
    for size in range(2, 12):
        graph = graph_of(lambda x: x * 2.0 + 1.0, normal(size))
        x = normal(size)
        np.testing.assert_allclose(NativeProgram(graph)([x])[0], x * 2 + 1)
