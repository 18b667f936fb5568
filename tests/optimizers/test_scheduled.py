"""Momentum and weight decay that follow a schedule: step by step what their numbers give."""

import numpy as np
import pytest

from gradiente import losses, nn, schedules
from gradiente.optimizers import SGD, Adam, AdamW, add_weight_decay, apply_updates, chain
from gradiente.train.trainer import Trainer

RANDOM = np.random.default_rng(4)
GRADIENTS = [RANDOM.normal(size=(3, 2)) for _ in range(10)]
HALVED = schedules.exponential(0.8, factor=0.5, every=3)

# What takes a schedule, and the same with the number of one step.
CASES = {
    "momentum": (
        SGD(0.1, momentum=HALVED),
        lambda step: SGD(0.1, momentum=HALVED(step)),
    ),
    "momentum with Nesterov": (
        SGD(0.1, momentum=HALVED, nesterov=True),
        lambda step: SGD(0.1, momentum=HALVED(step), nesterov=True),
    ),
    "a function": (
        SGD(0.1, momentum=lambda step: 0.9 / (1 + step)),
        lambda step: SGD(0.1, momentum=0.9 / (1 + step)),
    ),
    "decay of SGD": (
        SGD(0.1, weight_decay=HALVED),
        lambda step: SGD(0.1, weight_decay=HALVED(step)),
    ),
    "decay of Adam": (
        Adam(0.1, weight_decay=HALVED),
        lambda step: Adam(0.1, weight_decay=HALVED(step)),
    ),
    "decay of AdamW": (
        AdamW(0.1, weight_decay=HALVED),
        lambda step: AdamW(0.1, weight_decay=HALVED(step)),
    ),
    "decay in a chain": (
        chain(add_weight_decay(HALVED), SGD(0.1)),
        lambda step: chain(add_weight_decay(HALVED(step)), SGD(0.1)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_step_is_that_with_the_number_of_the_schedule(case):
    scheduled, with_number = CASES[case]
    ours = theirs = {"w": np.ones((3, 2))}
    state, reference = scheduled.init(ours), with_number(0).init(theirs)
    seen = set()
    for step, gradient in enumerate(GRADIENTS):
        updates, state = scheduled.update({"w": gradient}, state, ours)
        expected, reference = with_number(step).update({"w": gradient}, reference, theirs)
        ours, theirs = apply_updates(ours, updates), apply_updates(theirs, expected)
        np.testing.assert_allclose(ours["w"], theirs["w"], rtol=1e-13)
        seen.add(float(ours["w"][0, 0]))
    assert len(seen) == len(GRADIENTS)


def test_one_cycle_with_its_momentum_equals_torch():
    """Which falls from 0.95 to 0.85 while the rate rises, and comes back."""
    torch = pytest.importorskip("torch")
    start, steps = RANDOM.normal(size=(3, 2)), 10
    weight = torch.nn.Parameter(torch.tensor(start))
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.95)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.3, total_steps=steps)
    momentum = schedules.piecewise_interpolate(0.95, {2: 0.85, 9: 0.95}, "cosine")
    ours = SGD(schedules.one_cycle(0.3, steps), momentum=momentum)
    parameters = {"w": start}
    state = ours.init(parameters)
    for step, gradient in enumerate(GRADIENTS):
        weight.grad = torch.tensor(gradient)
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
        updates, state = ours.update({"w": gradient}, state, parameters)
        parameters = apply_updates(parameters, updates)
        np.testing.assert_allclose(parameters["w"], weight.detach().numpy(), rtol=1e-11)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_native_step_follows_them(dtype):
    x = RANDOM.normal(size=(40, 3)).astype(dtype)
    y = x[:, :1] * 2
    weights = []
    for backend in ("numpy", "native"):
        optimizer = SGD(0.1, momentum=schedules.linear(0.9, 12, 0.1), weight_decay=HALVED)
        trainer = Trainer(nn.Sequential(nn.Dense(1)), losses.mse, optimizer, backend=backend)
        trainer.fit(x, y, epochs=3, batch_size=10, verbose=False)
        weights.append(trainer.weights()["0.weight"])
    assert weights[0].dtype == dtype
    np.testing.assert_allclose(weights[0], weights[1], rtol=100 * np.finfo(dtype).eps)
