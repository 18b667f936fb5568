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
    "piecewise_constant": (
        schedules.piecewise_constant(0.3, {5: 0.06, 20: 0.12}),
        lambda: optax.piecewise_constant_schedule(0.3, {5: 0.2, 20: 2.0}),
    ),
    "piecewise_interpolate": (
        schedules.piecewise_interpolate(0.3, {5: 0.06, 20: 0.12}),
        lambda: optax.piecewise_interpolate_schedule("linear", 0.3, {5: 0.2, 20: 2.0}),
    ),
    "piecewise_interpolate, cosine": (
        schedules.piecewise_interpolate(0.3, {20: 0.12, 5: 0.06}, "cosine"),
        lambda: optax.piecewise_interpolate_schedule("cosine", 0.3, {5: 0.2, 20: 2.0}),
    ),
    "one cycle, cosine": (
        schedules.piecewise_interpolate(0.3 / 25, {15: 0.3, 50: 0.3 / 25e4}, "cosine"),
        lambda: optax.cosine_onecycle_schedule(50, 0.3),
    ),
    "one cycle, linear": (
        schedules.piecewise_interpolate(0.012, {15: 0.3, 42: 0.012, 50: 0.012e-4}),
        lambda: optax.linear_onecycle_schedule(50, 0.3),
    ),
    "polynomial": (
        schedules.polynomial(0.3, steps=40, power=2.5, final=0.02),
        lambda: optax.polynomial_schedule(0.3, 0.02, 2.5, 40),
    ),
    "sgdr": (
        schedules.sgdr([0.3, 0.1], [20, 25], warmup_steps=4, final=0.01, start=0.02),
        lambda: optax.sgdr_schedule(
            [
                {
                    "init_value": 0.02,
                    "peak_value": peak,
                    "decay_steps": steps,
                    "warmup_steps": 4,
                    "end_value": 0.01,
                }
                for peak, steps in ((0.3, 20), (0.1, 25))
            ]
        ),
    ),
    "joined": (
        schedules.joined([schedules.linear(0.3, 20), schedules.step(0.2, 5)], [12]),
        lambda: optax.join_schedules(
            [
                optax.linear_schedule(0.3, 0.0, 20),
                optax.exponential_decay(0.2, 5, 0.1, staircase=True),
            ],
            [12],
        ),
    ),
    "warmup, then exponential": (
        schedules.warmup(schedules.exponential(0.3, 0.5, every=7), steps=10, start=0.05),
        lambda: optax.warmup_exponential_decay_schedule(0.05, 0.3, 10, 7, 0.5),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_optax(case):
    ours, make = CASES[case]
    theirs = make()
    for step in range(60):  # beyond the end, too; Optax computes in float32
        assert ours(step) == pytest.approx(float(theirs(step)), rel=3e-6, abs=1e-8)
