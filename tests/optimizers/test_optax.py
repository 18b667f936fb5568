"""Optimizers that PyTorch lacks equal Optax's, step by step and with random options."""

from typing import Any

import numpy as np
import pytest

from gradiente import optimizers

optax = pytest.importorskip("optax")
jax = pytest.importorskip("jax")
pytest.importorskip("optax.contrib")

CASES: dict[str, tuple[Any, Any]] = {
    "AdamaxW": (
        optimizers.AdamaxW(0.05, betas=(0.5, 0.7), epsilon=1e-3, weight_decay=0.3),
        lambda: optax.adamaxw(0.05, 0.5, 0.7, 1e-3, 0.3),
    ),
    "Lion": (optimizers.Lion(0.05), lambda: optax.lion(0.05, weight_decay=0.0)),
    "Lion, everything": (
        optimizers.Lion(0.05, betas=(0.5, 0.7), weight_decay=0.3),
        lambda: optax.lion(0.05, 0.5, 0.7, weight_decay=0.3),
    ),
    "SignSGD": (optimizers.SignSGD(0.05), lambda: optax.sign_sgd(0.05)),
    "SignSGD, momentum": (
        optimizers.SignSGD(0.05, momentum=0.7),
        lambda: optax.signum(0.05, 0.7),
    ),
    "Signum": (optimizers.Signum(0.05), lambda: optax.signum(0.05)),
    "LAMB": (optimizers.LAMB(0.05), lambda: optax.lamb(0.05)),
    "LAMB, everything": (
        optimizers.LAMB(0.05, betas=(0.5, 0.7), epsilon=1e-2, weight_decay=0.3),
        lambda: optax.lamb(0.05, 0.5, 0.7, 1e-2, weight_decay=0.3),
    ),
    "LARS": (optimizers.LARS(2.0), lambda: optax.lars(2.0)),
    "LARS, everything": (
        optimizers.LARS(0.5, momentum=0.5, trust_coefficient=0.1, epsilon=0.1, weight_decay=0.3),
        lambda: optax.lars(0.5, 0.3, trust_coefficient=0.1, eps=0.1, momentum=0.5),
    ),
    "NovoGrad": (optimizers.NovoGrad(0.05), lambda: optax.novograd(0.05)),
    "NovoGrad, everything": (
        optimizers.NovoGrad(0.05, betas=(0.5, 0.7), epsilon=1e-2, weight_decay=0.3),
        lambda: optax.novograd(0.05, 0.5, 0.7, 1e-2, weight_decay=0.3),
    ),
    "AdaBelief": (optimizers.AdaBelief(0.05), lambda: optax.adabelief(0.05)),
    "AdaBelief, everything": (
        optimizers.AdaBelief(0.05, betas=(0.5, 0.7), epsilon=1e-3),
        lambda: optax.adabelief(0.05, 0.5, 0.7, 1e-3, 1e-3),
    ),
    "Prodigy": (optimizers.Prodigy(), optax.contrib.prodigy),
    "Prodigy, everything": (
        optimizers.Prodigy(
            0.5,
            betas=(0.5, 0.7),
            epsilon=1e-3,
            initial_distance=1e-3,
            growth=2.0,
            weight_decay=0.3,
        ),
        lambda: optax.contrib.prodigy(
            0.5,
            (0.5, 0.7),
            eps=1e-3,
            estim_lr0=1e-3,
            estim_lr_coef=2.0,
            weight_decay=0.3,
        ),
    ),
    "ScheduleFreeSGD": (
        optimizers.ScheduleFreeSGD(0.1),
        lambda: optax.contrib.schedule_free_sgd(0.1),
    ),
    "ScheduleFreeSGD, everything": (
        optimizers.ScheduleFreeSGD(0.1, momentum=0.5, weight_decay=0.3),
        lambda: optax.contrib.schedule_free_sgd(0.1, b1=0.5, weight_decay=0.3),
    ),
    "ScheduleFreeAdamW": (
        optimizers.ScheduleFreeAdamW(0.1),
        lambda: optax.contrib.schedule_free_adamw(0.1),
    ),
    "ScheduleFreeAdamW, everything": (
        optimizers.ScheduleFreeAdamW(0.1, betas=(0.5, 0.7), epsilon=1e-3, weight_decay=0.3),
        lambda: optax.contrib.schedule_free_adamw(0.1, b1=0.5, b2=0.7, eps=1e-3, weight_decay=0.3),
    ),
    "adaptive clip": (
        optimizers.chain(optimizers.adaptive_clip(0.1), optimizers.SGD(0.1)),
        lambda: optax.chain(optax.adaptive_grad_clip(0.1), optax.sgd(0.1)),
    ),
    "Yogi": (optimizers.Yogi(0.05), lambda: optax.yogi(0.05)),
    "Yogi, everything": (
        optimizers.Yogi(0.05, betas=(0.5, 0.7), epsilon=1e-2),
        lambda: optax.yogi(0.05, 0.5, 0.7, 1e-2),
    ),
}


def without_first_moment(state):
    """Optax starts Yogi's first moment at 1e-6, the paper at zero."""
    first, *others = state
    return (first._replace(mu=jax.tree.map(np.zeros_like, first.mu)), *others)


@pytest.mark.parametrize("case", CASES)
def test_equals_optax(case):
    ours, make = CASES[case]
    random = np.random.default_rng(0)
    point = {"w": random.normal(size=(3, 4)), "b": random.normal(size=4), "zero": np.zeros(3)}
    with jax.enable_x64(True):
        theirs, their_point = make(), point
        their_state = theirs.init(point)
        if "Yogi" in case:
            their_state = without_first_moment(their_state)
        state = ours.init(point)
        for _ in range(20):
            gradients = {path: random.normal(size=value.shape) for path, value in point.items()}
            updates, state = ours.update(gradients, state, point)
            point = optimizers.apply_updates(point, updates)
            their_updates, their_state = theirs.update(gradients, their_state, their_point)
            their_point = optax.apply_updates(their_point, their_updates)
            for path in point:
                expected = np.asarray(their_point[path])
                np.testing.assert_allclose(point[path], expected, rtol=1e-12, atol=1e-14)
    assert np.abs(point["w"]).max() < 1e3


def test_decoupled_decay_of_adabelief():
    point = {"w": np.array([2.0, -4.0])}
    gradients = {"w": np.array([1.0, 3.0])}

    def moved(optimizer):
        return optimizer.update(gradients, optimizer.init(point), point)[0]["w"]

    plain = moved(optimizers.AdaBelief(0.1))
    decayed = moved(optimizers.AdaBelief(0.1, weight_decay=0.5))
    np.testing.assert_allclose(decayed, plain - 0.1 * 0.5 * point["w"], rtol=1e-15)
