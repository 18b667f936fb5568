"""Elementwise values and gradients beside PyTorch's and JAX's."""

import numpy as np
import pytest

import gradiente as gd
from gradiente.ops.elementwise import INTEGER_ONLY
from gradiente.ops.operation import OPERATIONS, draw
from gradiente.trace.functions import FUNCTIONS

TORCH = {
    "power": "pow",
    "clip": "clamp",
    "round": "round",
    "reciprocal": "reciprocal",
    "silu": "nn.functional.silu",
    "gelu": "nn.functional.gelu",
    "softplus": "nn.functional.softplus",
    "equal": "eq",
}
JAX = {
    "sigmoid": "nn.sigmoid",
    "relu": "nn.relu",
    "silu": "nn.silu",
    "softplus": "nn.softplus",
    "erf": "scipy.special.erf",
    "rsqrt": "lax.rsqrt",
    "gelu": None,  # its default is the tanh approximation
    "nextafter": None,  # JAX differentiates it not even to zero
}
# Functions whose gradient PyTorch does not define.
NOT_IN_TORCH = {"floor_divide"}


def operations():
    for operation in OPERATIONS.values():
        floating = operation.family == "elementwise" and operation.name not in ("cast", "where")
        if floating and operation not in INTEGER_ONLY:
            yield operation


ALL = pytest.mark.parametrize("operation", list(operations()), ids=lambda item: item.name)


def found(package, dotted):
    for part in dotted.split("."):
        package = getattr(package, part)
    return package


def sampled(operation):
    arrays = draw(operation.examples[0], np.random.default_rng(11))
    value = np.asarray(FUNCTIONS[operation.name](*arrays))
    weight = np.random.default_rng(12).normal(size=value.shape)
    return arrays, value, weight


def gradients(operation, arrays, weight):
    places = tuple(range(len(arrays)))
    return gd.grad(lambda *xs: gd.sum(FUNCTIONS[operation.name](*xs) * weight), places)(*arrays)


@ALL
def test_torch_agrees(operation):
    torch = pytest.importorskip("torch")
    function = found(torch, TORCH.get(operation.name, operation.name))
    arrays, value, weight = sampled(operation)
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    theirs = function(*tensors)
    np.testing.assert_allclose(value, theirs.detach().numpy(), rtol=1e-13, atol=1e-15)
    if not theirs.requires_grad or operation.name in NOT_IN_TORCH:
        assert operation.pullback is None
        return
    (theirs * torch.tensor(weight)).sum().backward()
    for got, tensor in zip(gradients(operation, arrays, weight), tensors, strict=True):
        expected = np.zeros_like(got) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-12)


@pytest.fixture(scope="module")
def jaxs():
    """JAX's values and gradients of every operation, all compiled together."""
    jax = pytest.importorskip("jax")
    losses, samples = {}, {}
    for operation in operations():
        dotted = JAX.get(operation.name, f"numpy.{operation.name}")
        if dotted is None:
            continue
        arrays, _, weight = sampled(operation)
        if dotted.startswith("lax"):
            arrays = list(np.broadcast_arrays(*arrays))

        def loss(*xs, dotted=dotted, weight=weight):
            y = found(jax, dotted)(*xs)
            return (y * weight).sum(), y

        losses[operation.name], samples[operation.name] = loss, arrays

    def everything(samples):
        results = {}
        for name, loss in losses.items():
            xs = samples[name]
            places = tuple(range(len(xs)))
            (_, value), slopes = jax.value_and_grad(loss, places, has_aux=True)(*xs)
            results[name] = value, slopes
        return results

    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, jax.jit(everything)(samples))


WITH_JAX = [item for item in operations() if JAX.get(item.name, "") is not None]


@pytest.mark.parametrize("operation", WITH_JAX, ids=lambda item: item.name)
def test_jax_agrees(operation, jaxs):
    arrays, value, weight = sampled(operation)
    theirs, expected = jaxs[operation.name]
    np.testing.assert_allclose(value, theirs, rtol=1e-12, atol=1e-14)
    for got, other in zip(gradients(operation, arrays, weight), expected, strict=True):
        np.testing.assert_allclose(got, other, rtol=1e-9, atol=1e-10)
