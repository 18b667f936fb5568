"""Native programs and steps: the values of NumPy, the same bits for any number of threads."""

import os
import signal
import threading
from contextlib import contextmanager

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


def softened(s):
    """Two results: one by the maximum of a row, the other by the sum that follows from it."""
    highest = np.max(s, axis=1, keepdims=True)
    e = np.exp(s - highest)
    return s * 0.5 + highest, s * e / np.sum(e, axis=1, keepdims=True)


OVERWRITTEN_TOO_EARLY = {
    "a product": lambda s, x: (np.tanh(s @ s), x),
    "rows of the transpose": lambda s, x: (s - 0.1 * np.sum(s.T, axis=1)[:, None], x),
    "columns": lambda s, x: (s * 0.5 + np.max(s, axis=0), x),
    "a reduction that is prepared": lambda s, x: (s, np.sum(s * x[:, None], axis=0) + x),
    "another element": lambda s, x: (s.T * 0.5 + s, x[::-1] + x),
    "rows that are read again": lambda s, x: softened(s),
    "the last reader is late": lambda s, x: (s * 0.5, np.sum(np.tanh(x[:, None] @ x[None]) @ s, 1)),
}


@pytest.mark.parametrize("name", OVERWRITTEN_TOO_EARLY)
def test_nothing_is_overwritten_that_is_still_read(name):
    """Not even within one kernel."""
    function = OVERWRITTEN_TOO_EARLY[name]
    state = [normal(5, 5), normal(5, 5) if name == "rows that are read again" else normal(5)]
    data = [normal(4, 1)]

    def step(state, batch):
        return function(*state)

    steps = NativeSteps(graph_of(step, state, [data[0][:2]]), 2, 2)
    got = steps([x.copy() for x in state], data, np.zeros((1, 2), np.int64))
    for ours, expected in zip(got, function(*state), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


def test_no_kernel_waits_for_itself():
    """exp(s) could join the sum that needs it, were s not overwritten by what the sum needs."""

    def step(state, batch):
        s, x, total = state
        late = np.tanh(x[0] * 2.0)
        return late, x, total + np.sum(x * late, axis=0) * np.exp(np.maximum(s, 0.1))

    state = [normal(5), normal(5, 5), normal(5)]
    steps = NativeSteps(graph_of(step, state, [normal(2, 1)]), 3, 2)
    got = steps([x.copy() for x in state], [normal(4, 1)], np.zeros((1, 2), np.int64))
    for ours, expected in zip(got, step(state, []), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (lambda y: np.where(y > 0.5, y, y.T))(np.exp(x)),
        lambda x: (lambda y: y + np.flip(y, 1))(np.exp(x)),
        lambda x: (lambda y: y * y.T)(np.exp(x - np.max(x, axis=1, keepdims=True))),
        lambda x: (lambda y: y + y[::-1])(gd.softmax(x)),
        lambda x: (lambda y: y + y.T)(x @ x),
    ],
)
def test_a_value_and_its_view_are_not_computed_together(function):
    """Where an element is needed together with one of another place, that must be there."""
    x = normal(5, 5)
    got = NativeProgram(graph_of(function, x))([x])[0]
    np.testing.assert_allclose(got, function(x), rtol=1e-5, atol=1e-6)


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


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
ignores_fork_warning = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def succeeds_in_a_child(check) -> bool:
    """Whether a check is true in a child of this process, which is ended should it hang."""
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        code = 1
        try:
            code = 0 if check() else 2
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def in_another_thread(manager):
    """Something a thread of this process has entered and does not leave."""
    entered, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with manager:
            entered.set()
            leave.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    entered.wait()
    try:
        yield
    finally:
        leave.set()
        thread.join()


@needs_fork
@ignores_fork_warning
def test_native_code_works_after_a_fork():
    state = network_state(20, 40, 5)
    expected = run_steps(state, DATA, ORDER, threads=3)

    def same() -> bool:
        got = run_steps(state, DATA, ORDER, threads=3)
        return all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))

    assert succeeds_in_a_child(same)


@needs_fork
@ignores_fork_warning
def test_a_child_may_use_a_program_that_another_thread_was_inside():
    """In its copy of memory, threads that are not there would hold the lock and wait."""
    program, x = NativeProgram(graph_of(lambda x: np.tanh(x @ x), normal(8, 8)), 2), normal(8, 8)
    (expected,) = program([x])
    with in_another_thread(program.lock):
        program.sync[0] = 1  # one thread has come to the barrier
        assert succeeds_in_a_child(lambda: np.array_equal(program([x])[0], expected))
        program.sync[0] = 0
    np.testing.assert_array_equal(program([x])[0], expected)


@needs_fork
@ignores_fork_warning
def test_a_child_may_call_a_function_that_another_thread_was_compiling():
    function = gd.compile(lambda x: x * 3.0, backend="native")
    with in_another_thread(function._lock):
        assert succeeds_in_a_child(lambda: function(2.0) == 6.0)


@needs_fork
@ignores_fork_warning
def test_a_child_can_compile_whatever_its_parent_was_compiling(monkeypatch):
    monkeypatch.setenv("GRADIENTE_CACHE", "off")
    done = threading.Event()

    def compile_on() -> None:
        while not done.is_set():
            NativeProgram(graph_of(lambda x: np.exp(np.sin(x)) + x, normal(3)))

    thread = threading.Thread(target=compile_on)
    thread.start()
    try:
        for _ in range(5):
            graph = graph_of(lambda x: x + 1.0, normal(2))
            assert succeeds_in_a_child(lambda g=graph: NativeProgram(g)([DATA[0][0, :2]]))
    finally:
        done.set()
        thread.join()


def test_an_error_of_an_interrupted_run_does_not_come_up_later():
    graph = graph_of(lambda x, i: gd.take(x, i, axis=0), normal(5, 2), np.array([1, 2]))
    program = NativeProgram(graph)
    program.status[0] = 1  # as if Ctrl-C had come before it was looked at
    x = normal(5, 2)
    np.testing.assert_array_equal(program([x, np.array([0, 3])])[0], x[[0, 3]])


def test_programs_can_be_collected_while_others_run():
    for size in range(2, 12):
        graph = graph_of(lambda x: x * 2.0 + 1.0, normal(size))
        x = normal(size)
        np.testing.assert_allclose(NativeProgram(graph)([x])[0], x * 2 + 1)
