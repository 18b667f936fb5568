"""Every operation means for many samples what it means for each of them, and so does its gradient.

The cases are the registry's examples, with every choice of inputs that differ between samples.
"""

import itertools

import numpy as np
import pytest

import gradiente as gd
from gradiente.batching.replay import RULES
from gradiente.ops.elementwise import INTEGER_ONLY
from gradiente.ops.operation import OPERATIONS, draw
from gradiente.trace.functions import bind

SAMPLES = 3


def cases():
    for operation in OPERATIONS.values():
        for number, sample in enumerate(operation.examples):
            for places in choices(len(sample.inputs)):
                name = f"{operation.name}-{number}-{''.join(map(str, places))}"
                yield pytest.param(operation, sample, places, id=name)


def choices(count):
    """All ways to choose at least one of so many inputs."""
    numbers = range(1, min(count, 3) + 1)
    return itertools.chain(*(itertools.combinations(range(count), n) for n in numbers))


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda operation: operation.name)
def test_every_operation_has_a_batching_rule(operation):
    assert (operation in RULES) != (operation.family == "elementwise")


class Setting:
    """An example for several samples: a function, its inputs, and which of them are mapped."""

    def __init__(self, operation, sample, places):
        random = np.random.default_rng(2)
        dtype = np.int64 if operation in INTEGER_ONLY else np.float64
        self.operation, self.params = operation, sample.params
        each = [draw(sample, random, dtype) for _ in range(SAMPLES)]
        self.inputs = [
            np.stack([varied(arrays[i], n) for n, arrays in enumerate(each)])
            if i in places
            else each[0][i]
            for i in range(len(sample.inputs))
        ]
        self.axes = tuple(0 if i in places else None for i in range(len(sample.inputs)))
        self.floating = tuple(i for i, x in enumerate(self.inputs) if x.dtype.kind == "f")
        self.weight = random.normal(size=np.shape(self.apply(*self.one(0))))

    def one(self, number):
        """The inputs of one sample."""
        pairs = zip(self.inputs, self.axes, strict=True)
        return [x if axis is None else x[number] for x, axis in pairs]

    def apply(self, *inputs):
        return bind(self.operation, *inputs, **self.params)

    def weighted(self, *inputs):
        """A number with a gradient that is not linear in the value."""
        value = gd.cast(self.apply(*inputs), np.float64)
        return gd.sum(value * value * self.weight)

    def looped(self, function):
        """What a function gives for each sample, stacked."""
        return np.stack([np.asarray(function(*self.one(n))) for n in range(SAMPLES)])


def varied(array, number):
    """Integers of an example in another order for each sample, so that they stay in range."""
    if array.dtype.kind == "f":
        return array
    return np.roll(array.reshape(-1), number).reshape(array.shape)


def close(got, expected):
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("operation", "sample", "places"), list(cases()))
def test_mapped_it_is_a_loop_over_the_samples(operation, sample, places):
    setting = Setting(operation, sample, places)
    mapped = gd.vmap(setting.apply, setting.axes)
    expected = setting.looped(setting.apply)
    close(mapped(*setting.inputs), expected)
    if operation.family != "elementwise":
        close(gd.compile(mapped)(*setting.inputs), expected)


@pytest.mark.parametrize(("operation", "sample", "places"), list(cases()))
def test_mapped_its_gradient_is_a_loop_over_the_samples(operation, sample, places):
    """The gradient for each sample, and that of the sum over all samples."""
    setting = Setting(operation, sample, places)
    if not setting.floating:
        return
    gradient = gd.grad(setting.weighted, argnums=setting.floating)
    each = gd.vmap(gradient, setting.axes)(*setting.inputs)
    mapped = gd.vmap(setting.weighted, setting.axes)
    total = gd.grad(lambda *inputs: gd.sum(mapped(*inputs)), argnums=setting.floating)
    summed = total(*setting.inputs)
    for number, place in enumerate(setting.floating):
        expected = setting.looped(lambda *one, number=number: gradient(*one)[number])
        close(each[number], expected)
        shared = setting.axes[place] is None
        close(summed[number], expected.sum(axis=0) if shared else expected)


@pytest.mark.parametrize(
    ("operation", "sample", "places"),
    [case for case in cases() if case.values[0].family != "elementwise"],
)
def test_mapped_twice_it_is_a_loop_over_loops(operation, sample, places):
    setting = Setting(operation, sample, places)
    inner = gd.vmap(setting.apply, setting.axes)
    twice = [
        np.stack([x, x[::-1]]) if place == places[0] else x
        for place, x in enumerate(setting.inputs)
    ]
    axes = tuple(0 if place == places[0] else None for place in range(len(twice)))
    rows = [
        [x[row] if axis == 0 else x for x, axis in zip(twice, axes, strict=True)] for row in (0, 1)
    ]
    close(gd.vmap(inner, axes)(*twice), np.stack([np.asarray(inner(*row)) for row in rows]))
