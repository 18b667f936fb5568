"""Schedules equal PyTorch's step by step where it has the same one."""

import warnings

import numpy as np
import pytest

from gradiente import schedules

torch = pytest.importorskip("torch")
scheduler = torch.optim.lr_scheduler

RATE = 0.3


def torch_rates(make, steps, rate=RATE):
    """The rate of each of the first `steps` updates under a PyTorch scheduler."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    following = make(optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR uses a deprecated argument of its own
        for _ in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            following.step()
    return rates


CASES = {
    "constant": (
        schedules.constant(RATE),
        lambda o: scheduler.LambdaLR(o, lambda step: 1.0),
    ),
    "step": (
        schedules.step(RATE, every=7, factor=0.2),
        lambda o: scheduler.StepLR(o, step_size=7, gamma=0.2),
    ),
    "step, default factor": (
        schedules.step(RATE, every=3),
        lambda o: scheduler.StepLR(o, step_size=3),
    ),
    "exponential": (
        schedules.exponential(RATE, factor=0.9),
        lambda o: scheduler.ExponentialLR(o, gamma=0.9),
    ),
    "linear": (
        schedules.linear(RATE, steps=20, final=RATE / 4),
        lambda o: scheduler.LinearLR(o, start_factor=1.0, end_factor=0.25, total_iters=20),
    ),
    "linear rise": (
        schedules.linear(RATE / 3, steps=5, final=RATE),
        lambda o: scheduler.LinearLR(o, start_factor=1 / 3, end_factor=1.0, total_iters=5),
    ),
    "cosine": (
        schedules.cosine(RATE, steps=40, final=0.01),
        lambda o: scheduler.CosineAnnealingLR(o, T_max=40, eta_min=0.01),
    ),
    "warmup": (
        schedules.warmup(RATE, steps=10, start=RATE / 3),
        lambda o: scheduler.LinearLR(o, start_factor=1 / 3, total_iters=10),
    ),
    "warmup, then exponential": (
        schedules.warmup(schedules.exponential(RATE, 0.8), steps=10, start=RATE / 4),
        lambda o: scheduler.SequentialLR(
            o,
            [
                scheduler.LinearLR(o, start_factor=1 / 4, total_iters=10),
                scheduler.ExponentialLR(o, gamma=0.8),
            ],
            milestones=[10],
        ),
    ),
    "multi_step": (
        schedules.multi_step(RATE, at=[20, 3, 20], factor=0.3),
        lambda o: scheduler.MultiStepLR(o, milestones=[3, 20, 20], gamma=0.3),
    ),
    "piecewise_constant": (
        schedules.piecewise_constant(RATE / 4, {6: RATE}),
        lambda o: scheduler.ConstantLR(o, factor=1 / 4, total_iters=6),
    ),
    "polynomial": (
        schedules.polynomial(RATE, steps=30, power=1.7),
        lambda o: scheduler.PolynomialLR(o, total_iters=30, power=1.7),
    ),
    "polynomial, default power": (
        schedules.polynomial(RATE, steps=7),
        lambda o: scheduler.PolynomialLR(o, total_iters=7),
    ),
    "cosine_restarts": (
        schedules.cosine_restarts(RATE, steps=3, final=0.02),
        lambda o: scheduler.CosineAnnealingWarmRestarts(o, T_0=3, eta_min=0.02),
    ),
    "cosine_restarts, longer and longer": (
        schedules.cosine_restarts(RATE, steps=3, length_factor=2),
        lambda o: scheduler.CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2),
    ),
    "cosine_restarts, three times as long": (
        schedules.cosine_restarts(RATE, steps=2, length_factor=3),
        lambda o: scheduler.CosineAnnealingWarmRestarts(o, T_0=2, T_mult=3),
    ),
    "cyclic": (
        schedules.cyclic(RATE, 0.1, up=4),
        lambda o: scheduler.CyclicLR(o, 0.1, RATE, 4, cycle_momentum=False),
    ),
    "cyclic, triangular2": (
        schedules.cyclic(RATE, 0.1, up=4, down=7, mode="triangular2"),
        lambda o: scheduler.CyclicLR(o, 0.1, RATE, 4, 7, "triangular2", cycle_momentum=False),
    ),
    "cyclic, exp_range": (
        schedules.cyclic(RATE, 0.1, up=3, down=6, mode="exp_range", factor=0.95),
        lambda o: scheduler.CyclicLR(o, 0.1, RATE, 3, 6, "exp_range", 0.95, cycle_momentum=False),
    ),
    "swa_constant": (
        schedules.swa_constant(RATE, start=0, final=0.05),
        lambda o: torch.optim.swa_utils.SWALR(o, swa_lr=0.05),
    ),
    "swa_constant, linear": (
        schedules.swa_constant(RATE, start=0, final=0.05, anneal_steps=7, curve="linear"),
        lambda o: torch.optim.swa_utils.SWALR(
            o, swa_lr=0.05, anneal_epochs=7, anneal_strategy="linear"
        ),
    ),
    "joined": (
        schedules.joined(
            [
                schedules.linear(RATE / 5, 8, RATE),
                schedules.exponential(RATE, 0.9),
                schedules.constant(RATE),
            ],
            [8, 20],
        ),
        lambda o: scheduler.SequentialLR(
            o,
            [
                scheduler.LinearLR(o, start_factor=1 / 5, total_iters=8),
                scheduler.ExponentialLR(o, gamma=0.9),
                scheduler.LambdaLR(o, lambda step: 1.0),
            ],
            milestones=[8, 20],
        ),
    ),
    "chained": (
        schedules.chained([schedules.exponential(RATE, 0.9), schedules.linear(1 / 3, 5, 1.0)]),
        lambda o: scheduler.ChainedScheduler(
            [scheduler.LinearLR(o, total_iters=5), scheduler.ExponentialLR(o, gamma=0.9)]
        ),
    ),
    "your own": (
        schedules.Schedule("own", lambda step: RATE * 0.9**step / (1 + step)),
        lambda o: scheduler.LambdaLR(o, lambda step: 0.9**step / (1 + step)),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_equals_torch(case):
    ours, theirs = CASES[case]
    steps = 40
    rates = torch_rates(theirs, steps)
    np.testing.assert_allclose([ours(t) for t in range(steps)], rates, rtol=1e-12, atol=1e-15)
    assert len(set(rates)) > 1 or case == "constant"


@pytest.mark.parametrize("steps", [2, 3, 10, 57, 100])
@pytest.mark.parametrize("anneal", ["cosine", "linear"])
@pytest.mark.parametrize("three_phases", [False, True])
@pytest.mark.parametrize("fraction", [0.3, 0.25, 0.45])
def test_one_cycle_equals_torch(steps, anneal, three_phases, fraction):
    ours = schedules.one_cycle(RATE, steps, fraction, 20.0, 1e3, anneal, three_phases)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    following = scheduler.OneCycleLR(
        optimizer,
        RATE,
        total_steps=steps,
        pct_start=fraction,
        div_factor=20.0,
        final_div_factor=1e3,
        anneal_strategy={"cosine": "cos", "linear": "linear"}[anneal],
        three_phase=three_phases,
        cycle_momentum=False,
    )
    theirs = [optimizer.param_groups[0]["lr"]]
    for _ in range(steps - 1):
        optimizer.step()
        following.step()
        theirs.append(optimizer.param_groups[0]["lr"])
    np.testing.assert_allclose([ours(t) for t in range(steps)], theirs, rtol=1e-12)


def test_one_cycle_defaults_are_torchs():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    following = scheduler.OneCycleLR(optimizer, RATE, total_steps=50, cycle_momentum=False)
    ours = schedules.one_cycle(RATE, 50)
    for step in range(49):
        assert ours(step) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        following.step()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_reduce_on_plateau_equals_torch(seed, mode, threshold_mode):
    random = np.random.default_rng(seed)
    patience, cooldown = int(random.integers(0, 4)), int(random.integers(0, 4))
    values = 1.0 + np.abs(np.cumsum(random.normal(size=60)))
    values[random.integers(0, 60, 3)] = np.nan
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    theirs = scheduler.ReduceLROnPlateau(
        optimizer,
        mode=mode,
        factor=0.5,
        patience=patience,
        threshold=0.05,
        threshold_mode=threshold_mode,
        cooldown=cooldown,
        min_lr=0.01,
    )
    ours = schedules.ReduceOnPlateau(
        RATE,
        factor=0.5,
        patience=patience,
        threshold=0.05,
        threshold_mode={"rel": "relative", "abs": "absolute"}[threshold_mode],
        cooldown=cooldown,
        minimum=0.01,
        greater_is_better=mode == "max",
    )
    state, rates = ours.init(), []
    for value in values:
        theirs.step(value)
        state = ours.observe(state, value)
        rates.append(RATE * state["scale"])
        assert rates[-1] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert len(set(rates)) > 2


def test_reduce_on_plateau_defaults_are_torchs():
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=RATE)
    theirs = scheduler.ReduceLROnPlateau(optimizer)
    ours = schedules.reduce_on_plateau(RATE)
    state = ours.init()
    for value in [1.0] + [0.99995] * 30:
        theirs.step(value)
        state = ours.observe(state, value)
        assert RATE * state["scale"] == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
    assert state["scale"] < 0.011
