"""Schedules equal Optax's step by step where PyTorch has none."""

import pytest

from gradiente import schedules

optax = pytest.importorskip("optax")

CASES = {
    "cosine with warm-up": (
        schedules.cosine(0.3, steps=50, warmup_steps=10, final=0.02, start=0.05),
        lambda: optax.warmup_cosine_decay_schedule(0.05, 0.3, 10, 50, 0.02),
    ),
    "cosine": (
        schedules.cosine(0.3, steps=20),
        lambda: optax.cosine_decay_schedule(0.3, 20),
    ),
    "exponential": (
        schedules.exponential(0.3, factor=0.5, every=7, minimum=0.05),
        lambda: optax.exponential_decay(0.3, 7, 0.5, end_value=0.05),
    ),
    "linear": (
        schedules.linear(0.3, steps=20, final=0.1),
        lambda: optax.linear_schedule(0.3, 0.1, 20),
    ),
    "warmup": (
        schedules.warmup(0.3, steps=10),
        lambda: optax.warmup_constant_schedule(0.0, 0.3, 10),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_optax(case):
    ours, make = CASES[case]
    theirs = make()
    for step in range(60):  # beyond the end, too; Optax computes in float32
        assert ours(step) == pytest.approx(float(theirs(step)), rel=3e-6, abs=1e-8)
