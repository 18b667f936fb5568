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
}
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_equals_torch(case, dtype):
    name, options, torch_options = CASES[case]
    random = np.random.default_rng(0)
    start = random.normal(size=(3, 4)).astype(dtype)
    gradients = random.normal(size=(20, 3, 4)).astype(dtype)
    theirs = torch.nn.Parameter(torch.tensor(start))
    reference = getattr(torch.optim, name)([theirs], **torch_options)
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


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_defaults_are_torchs(name):
    words = {
        "learning_rate": "lr",
        "epsilon": "eps",
        "decay": "alpha",
        "learning_rate_decay": "lr_decay",
    }
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    ours = getattr(optimizers, name)().options
    assert {words.get(word, word): value for word, value in ours.items()} == {
        words.get(word, word): theirs[words.get(word, word)] for word in ours
    }


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
