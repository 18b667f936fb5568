"""Native programs that measure themselves: the same bits, and an entry for every call."""

import numpy as np
import pytest

from gradiente.backends.native.clock import UNTIMED, Clock
from gradiente.backends.native.run import NativeProgram, NativeSteps
from gradiente.backends.profile import GATHERING, WAITING
from gradiente.base.trees import flatten
from gradiente.trace.trace import input_names, slot_of, trace


def graph_of(function, *arguments):
    leaves, structure = flatten((arguments, {}))
    names = input_names(function, arguments, {})
    return trace(function, structure, [slot_of(leaf) for leaf in leaves], names).graph


def twice(x, w):
    first = np.tanh(x @ w)
    return np.tanh(first @ w)


X = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_a_timed_program_computes_the_same_bits(threads):
    graph = graph_of(twice, X, X)
    timed = NativeProgram(graph, threads, timed=True)
    (expected,) = NativeProgram(graph, threads)([X, X])
    for _ in range(3):
        np.testing.assert_array_equal(timed([X, X])[0], expected)
    profile = timed.profile()
    kernels = [entry for entry in profile.entries if entry.operations]
    assert [entry.calls for entry in kernels] == [3] * len(kernels)
    assert all(0 < entry.longest <= entry.seconds for entry in kernels)
    assert all(1 <= entry.threads <= min(threads, entry.units) for entry in kernels)
    assert sum(entry.flops for entry in kernels) == 3 * 2 * 2 * 64**3
    assert any(entry.name == WAITING for entry in profile.entries) == (threads > 1)
    assert profile.elapsed > 0


@pytest.mark.usefixtures("every_improvement")
def test_equal_kernels_are_one_function_and_an_entry_for_each_use():
    timed = NativeProgram(graph_of(twice, X, X), timed=True)
    timed([X, X])
    products = [entry for entry in timed.profile().entries if "matmul" in entry.operations]
    assert len(products) == 2
    assert len({entry.name for entry in products}) == 1
    assert [entry.lines[0].split("  ")[1] for entry in products] == [
        "first = np.tanh(x @ w)",
        "return np.tanh(first @ w)",
    ]
    assert timed.module.text.count("define void @matmul") == 1


def test_a_reset_forgets():
    timed = NativeProgram(graph_of(twice, X, X), timed=True)
    timed([X, X])
    timed.reset()
    profile = timed.profile()
    assert (profile.runs, profile.elapsed, profile.seconds) == (0, 0, 0)


@pytest.mark.parametrize("threads", [1, 2])
def test_steps_have_an_entry_for_the_gathering_of_batches(threads):
    def step(w, x):
        return w - 0.1 * (x.T @ (x @ w))

    w, order = X[:, :8].copy(), np.arange(24).reshape(6, 4)
    graph = graph_of(step, w, X[:4])
    plain, timed = (NativeSteps(graph, 1, 4, threads, timed) for timed in (False, True))
    (expected,) = plain([plain.own(w)], [X], order)
    (found,) = timed([timed.own(w)], [X], order)
    np.testing.assert_array_equal(found, expected)
    profile = timed.profile()
    assert profile.runs == 6
    names = [entry.name for entry in profile.entries]
    assert (WAITING in names) == (threads > 1)
    gathering = profile.entries[names.index(GATHERING)]
    assert gathering.calls == 6
    assert gathering.bytes == 6 * 2 * 4 * X[0].nbytes


def test_nothing_is_measured_unless_it_is_asked_for():
    graph = graph_of(twice, X, X)
    for word in ("tally", "ticks", "%clock", "%times"):
        assert word not in NativeProgram(graph).module.text
    assert UNTIMED.functions() == ""


@pytest.mark.parametrize(
    ("triple", "instruction"),
    [("x86_64-unknown-linux-gnu", "rdtsc"), ("aarch64-unknown-linux-gnu", "cntvct_el0")],
)
def test_the_counter_is_one_that_programs_may_read(triple, instruction):
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(Clock(triple, 1).functions())
    machine = llvm.Target.from_triple(triple).create_target_machine()
    assert machine.emit_assembly(module).lower().count(instruction) == 2
