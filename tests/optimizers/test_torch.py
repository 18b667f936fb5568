"""Optimizers equal those of the installed PyTorch, in both precisions and with random options."""

from typing import Any

import numpy as np
import pytest

from gradiente import optimizers

torch = pytest.importorskip("torch")

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "SGD": ("SGD", {"learning_rate": 0.05}, {"lr": 0.05}),
    "SGD, everything": (
        "SGD",
        {"learning_rate": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.05, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1},
    ),
    "SGD, Nesterov": (
        "SGD",
        {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True},
        {"lr": 0.05, "momentum": 0.8, "nesterov": True},
    ),
    "Adam": ("Adam", {}, {}),
    "Adam, everything": (
        "Adam",
        {"betas": (0.5, 0.7), "epsilon": 1e-3, "weight_decay": 0.1, "amsgrad": True},
        {"betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.1, "amsgrad": True},
    ),
    "AdamW": ("AdamW", {}, {}),
    "AdamW, everything": (
        "AdamW",
        {"betas": (0.5, 0.7), "epsilon": 1e-3, "weight_decay": 0.3, "amsgrad": True},
        {"betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.3, "amsgrad": True},
    ),
    "RMSprop": ("RMSprop", {}, {}),
    "RMSprop, everything": (
        "RMSprop",
        {"decay": 0.8, "epsilon": 1e-3, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
        {"alpha": 0.8, "eps": 1e-3, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
    ),
    "Adagrad": ("Adagrad", {}, {}),
    "Adagrad, everything": (
        "Adagrad",
        {
            "learning_rate_decay": 0.3,
            "epsilon": 1e-3,
            "initial_accumulator_value": 0.2,
            "weight_decay": 0.1,
        },
        {"lr_decay": 0.3, "eps": 1e-3, "initial_accumulator_value": 0.2, "weight_decay": 0.1},
    ),
    "AMSGrad": ("AMSGrad", {"weight_decay": 0.1}, {"amsgrad": True, "weight_decay": 0.1}),
    "Adamax": ("Adamax", {}, {}),
    "Adamax, everything": (
        "Adamax",
        {"betas": (0.5, 0.7), "epsilon": 1e-3, "weight_decay": 0.1},
        {"betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "NAdam": ("NAdam", {}, {}),
    "NAdam, everything": (
        "NAdam",
        {"betas": (0.5, 0.7), "epsilon": 1e-3, "weight_decay": 0.1, "momentum_decay": 0.1},
        {"betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.1, "momentum_decay": 0.1},
    ),
    "NAdamW": (
        "NAdamW",
        {"weight_decay": 0.3},
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
    ),
    "RAdam": ("RAdam", {}, {}),
    "RAdam, everything": (
        "RAdam",
        {"betas": (0.5, 0.9), "epsilon": 1e-3, "weight_decay": 0.1},
        {"betas": (0.5, 0.9), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "RAdam, short memory": ("RAdam", {"betas": (0.5, 0.6)}, {"betas": (0.5, 0.6)}),
    "RAdam, decoupled": (
        "RAdam",
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
        {"weight_decay": 0.3, "decoupled_weight_decay": True},
    ),
    "Adadelta": ("Adadelta", {}, {}),
    "Adadelta, everything": (
        "Adadelta",
        {"learning_rate": 0.5, "decay": 0.7, "epsilon": 1e-3, "weight_decay": 0.1},
        {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1},
    ),
    "Rprop": ("Rprop", {}, {}),
    "Rprop, everything": (
        "Rprop",
        {"factors": (0.3, 1.5), "step_sizes": (0.004, 0.02)},
        {"etas": (0.3, 1.5), "step_sizes": (0.004, 0.02)},
    ),
    "ASGD": ("ASGD", {}, {}),
    "ASGD, everything": (
        "ASGD",
        {"learning_rate": 0.05, "decay": 0.3, "power": 0.5, "start": 5, "weight_decay": 0.1},
        {"lr": 0.05, "lambd": 0.3, "alpha": 0.5, "t0": 5, "weight_decay": 0.1},
    ),
    "Adafactor": ("Adafactor", {}, {}),
    "Adafactor, everything": (
        "Adafactor",
        {
            "learning_rate": 0.3,
            "decay_power": 0.5,
            "epsilon": 1e-2,
            "smallest_scale": 0.1,
            "clip_threshold": 1.5,
            "weight_decay": 0.1,
        },
        {"lr": 0.3, "beta2_decay": -0.5, "eps": (1e-2, 0.1), "d": 1.5, "weight_decay": 0.1},
    ),
}
THEIR_NAMES = {"NAdamW": "NAdam", "AMSGrad": "Adam"}
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_equals_torch(case, dtype):
    name, options, torch_options = CASES[case]
    random = np.random.default_rng(0)
    start = random.normal(size=(3, 4)).astype(dtype)
    gradients = random.normal(size=(20, 3, 4)).astype(dtype)
    theirs = torch.nn.Parameter(torch.tensor(start))
    reference = getattr(torch.optim, THEIR_NAMES.get(name, name))([theirs], **torch_options)
    optimizer = getattr(optimizers, name)(**options)
    ours = {"w": start}
    state = optimizer.init(ours)
    for gradient in gradients:
        theirs.grad = torch.tensor(gradient)
        reference.step()
        updates, state = optimizer.update({"w": gradient}, state, ours)
        ours = optimizers.apply_updates(ours, updates)
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(
            ours["w"], theirs.detach().numpy(), rtol=tolerance, atol=tolerance
        )
    assert ours["w"].dtype == dtype


WORDS = {
    "learning_rate": "lr",
    "epsilon": "eps",
    "decay": "alpha",
    "learning_rate_decay": "lr_decay",
    "factors": "etas",
}
OWN_WORDS: dict[str, dict[str, str]] = {
    "Adadelta": {"decay": "rho"},
    "ASGD": {"decay": "lambd", "power": "alpha", "start": "t0"},
}


@pytest.mark.parametrize(
    "name",
    [
        "SGD",
        "Adam",
        "AdamW",
        "RMSprop",
        "Adagrad",
        "Adamax",
        "NAdam",
        "RAdam",
        "Adadelta",
        "Rprop",
        "ASGD",
    ],
)
def test_defaults_are_torchs(name):
    words = WORDS | OWN_WORDS.get(name, {})
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    ours = getattr(optimizers, name)().options
    assert {words.get(word, word): value for word, value in ours.items()} == {
        words.get(word, word): theirs[words.get(word, word)] for word in ours
    }


def test_averages_of_asgd_equal_torchs():
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=5), random.normal(size=(12, 5))
    theirs = torch.nn.Parameter(torch.tensor(start))
    reference = torch.optim.ASGD([theirs], lr=0.1, t0=3)
    optimizer, ours = optimizers.ASGD(0.1, start=3), {"w": start}
    state = optimizer.init(ours)
    np.testing.assert_array_equal(optimizer.averaged(state, ours)["w"], start)
    for gradient in gradients:
        theirs.grad = torch.tensor(gradient)
        reference.step()
        updates, state = optimizer.update({"w": gradient}, state, ours)
        ours = optimizers.apply_updates(ours, updates)
        average = reference.state[theirs]["ax"].numpy()
        np.testing.assert_allclose(optimizer.averaged(state, ours)["w"], average, rtol=1e-6)
    assert np.abs(ours["w"] - average).max() > 0.01


@pytest.mark.parametrize("scale", ["original", "match_adamw"])
@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_muon_equals_torch(shape, scale):
    """To the precision of bfloat16, in which PyTorch multiplies."""
    random = np.random.default_rng(0)
    start, gradients = random.normal(size=shape), random.normal(size=(10, *shape))
    theirs = torch.nn.Parameter(torch.tensor(start.T.copy()))
    adjusted = {"original": "original", "match_adamw": "match_rms_adamw"}[scale]
    reference = torch.optim.Muon([theirs], lr=0.1, adjust_lr_fn=adjusted)
    optimizer, ours = optimizers.Muon(0.1, scale=scale), {"w": start}
    state = optimizer.init(ours)
    for gradient in gradients:
        theirs.grad = torch.tensor(gradient.T.copy())
        reference.step()
        updates, state = optimizer.update({"w": gradient}, state, ours)
        ours = optimizers.apply_updates(ours, updates)
    np.testing.assert_allclose(ours["w"].T, theirs.detach().numpy(), atol=0.03)
    assert np.abs(ours["w"] - start).max() > 0.3


def test_clip_by_global_norm_equals_torch():
    random = np.random.default_rng(1)
    gradients = {"a": random.normal(size=(3, 4)), "b": random.normal(size=5)}
    theirs = [
        torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.float64)) for g in gradients.values()
    ]
    for parameter, gradient in zip(theirs, gradients.values(), strict=True):
        parameter.grad = torch.tensor(gradient)
    norm = torch.nn.utils.clip_grad_norm_(theirs, 0.5)
    clip = optimizers.clip_by_global_norm(0.5)
    ours, _ = clip.update(gradients, clip.init(gradients), gradients)
    np.testing.assert_allclose(optimizers.global_norm(gradients), float(norm), rtol=1e-14)
    for name, parameter in zip(gradients, theirs, strict=True):
        # PyTorch divides by the norm plus 1e-6
        np.testing.assert_allclose(ours[name], parameter.grad.numpy(), rtol=1e-6)
