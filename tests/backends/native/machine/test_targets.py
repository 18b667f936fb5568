"""One generator for all CPUs: narrower x86 registers run here, ARM is compiled to machine code."""

import platform

import numpy as np
import pytest

import gradiente as gd
from gradiente.backends.native import loading
from gradiente.backends.native.machine import engine
from gradiente.backends.native.machine.target import Target, host
from gradiente.backends.native.module import NativeModule
from gradiente.backends.native.run import NativeSteps
from gradiente.base.trees import flatten
from gradiente.trace.trace import input_names, slot_of, trace

X86 = {
    "avx2": Target("x86_64-unknown-linux-gnu", "haswell", "", 32, 16),
    "sse2": Target("x86_64-unknown-linux-gnu", "x86-64", "", 16, 16, fuses=False),
}
ARM = {
    "neoverse-n1": Target("aarch64-unknown-linux-gnu", "neoverse-n1", "", 16, 32),
    "apple-m1": Target("arm64-apple-macosx14.0", "apple-m1", "", 16, 32),
    "windows": Target("aarch64-pc-windows-msvc", "neoverse-n1", "", 16, 32),
}
RANDOM = np.random.default_rng(0)


def step(state, batch):
    """A classifier with one hidden layer, Adam-like, with odd sizes everywhere."""
    x, y = batch

    def loss(parameters):
        hidden = gd.tanh(x @ parameters["w"] + parameters["b"])
        return np.mean(gd.softmax_cross_entropy(hidden @ parameters["v"], y))

    value, gradients = gd.value_and_grad(loss)(state["parameters"])
    square = {k: 0.9 * state["square"][k] + 0.1 * g * g for k, g in gradients.items()}
    moved = {
        k: p - 0.01 * gradients[k] / (np.sqrt(square[k]) + 1e-6)
        for k, p in state["parameters"].items()
    }
    return {"parameters": moved, "square": square, "loss": state["loss"] + value}


def problem(dtype):
    parameters = {
        "w": RANDOM.normal(size=(19, 37)).astype(dtype) / 5,
        "b": np.zeros(37, dtype),
        "v": RANDOM.normal(size=(37, 5)).astype(dtype) / 5,
    }
    state = {
        "parameters": parameters,
        "square": {k: np.zeros_like(v) for k, v in parameters.items()},
        "loss": np.zeros((), dtype),
    }
    data = RANDOM.normal(size=(60, 19)).astype(dtype), RANDOM.integers(0, 5, 60)
    order = np.arange(60).reshape(4, 15)
    first = (state, tuple(column[order[0]] for column in data))
    leaves, structure = flatten((first, {}))
    names = input_names(step, first, {})
    graph = trace(step, structure, [slot_of(x) for x in leaves], names).graph
    return graph, state, data, order


@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="needs x86")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", X86)
def test_narrower_registers_compute_the_same(name, dtype, monkeypatch):
    if name == "avx2" and "+avx2" not in host().features:
        pytest.skip("this CPU has no AVX2")
    for module in (loading, engine):
        monkeypatch.setattr(module, "host", lambda: X86[name])
    graph, state, data, order = problem(dtype)
    arrays = [np.array(leaf) for leaf in flatten(state)[0]]
    NativeSteps(graph, len(arrays), order.shape[1])(arrays, list(data), order)
    for rows in order:
        state = step(state, tuple(column[rows] for column in data))
    for ours, expected in zip(arrays, flatten(state)[0], strict=True):
        np.testing.assert_allclose(ours, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", ARM)
def test_arm_is_compiled(name):
    """The product runs on fused multiply-adds of vectors, and nothing calls a library."""
    llvm = pytest.importorskip("llvmlite.binding")
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    graph, state, _, _ = problem(np.float32)
    pairs = {i: i for i in range(len(flatten(state)[0]))}
    target = ARM[name]
    module = llvm.parse_assembly(NativeModule(graph, target, pairs, 15).text)
    module.triple = target.triple
    assembly = engine.target_machine(target).emit_assembly(module)
    assert assembly.count("fmla") > 50
    for library_function in ("expf", "logf", "tanhf", "fmaf", "sqrtf"):
        assert f"bl\t{library_function}" not in assembly
        assert f"bl\t_{library_function}" not in assembly
