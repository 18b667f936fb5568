"""gradiente: neural networks trained by backpropagation you can see, verify and trust.

The folders are the route of a computation, and each imports only from those before it:

    base          what everything may use: settings, errors, array types, trees, source lines
    ops           what an operation is: its value, its type, its local gradient
    graph         the program as data
    trace         a Python function becomes a graph
    batching      a function of one sample becomes a function of many: vmap
    gradient      backpropagation: the reverse pass; grad, vjp, jvp, hvp, jacobian, hessian
    rewrite       a graph becomes a better graph of the same meaning
    backends      a graph becomes a callable
    initializers  where the parameters start
    nn            layers and networks
    losses, optimizers, schedules, metrics, regularizers, constraints
                  pure functions, traced into the step
    data          tables and arrays become batches
    train         the step, the loop, callbacks, checkpoints
    insight       what the gradient is doing: verify, show, profile
    interchange   weights of PyTorch, Keras and scikit-learn
    report        a training as one HTML file
    estimators    networks with the manners of scikit-learn
    cli           the command line

Every function of the Array API standard that can be traced stands here under its name
(`gd.tanh`, `gd.sum`, `gd.where`, ...), beside NumPy's own, which work on traced values as well.
`gd.NetworkClassifier` and `gd.NetworkRegressor` load scikit-learn when they are first asked for.
"""

from importlib import import_module
from typing import Any

import gradiente.report.trainer  # noqa: F401  gives trainers their method `report`
from gradiente.backends.compile import CompiledFunction, compile
from gradiente.base.version import __version__
from gradiente.batching.vmap import vmap
from gradiente.gradient.checkpoint import checkpoint
from gradiente.gradient.control import custom_gradient, stop_gradient
from gradiente.gradient.derivatives import (
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from gradiente.gradient.scan import scan
from gradiente.insight.profile import profile
from gradiente.insight.show import show
from gradiente.insight.verify import verify
from gradiente.trace import random
from gradiente.trace.functions import FUNCTIONS, Tensor
from gradiente.train.history import History
from gradiente.train.saved_files import load, save
from gradiente.train.trainer import Trainer

__all__ = [
    "CompiledFunction",
    "History",
    "NetworkClassifier",
    "NetworkRegressor",
    "Tensor",
    "Trainer",
    "__version__",
    "checkpoint",
    "compile",
    "custom_gradient",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "profile",
    "random",
    "save",
    "scan",
    "show",
    "stop_gradient",
    "value_and_grad",
    "verify",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> Any:
    """The functions of the registry, and the estimators, which load scikit-learn."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name in ("NetworkClassifier", "NetworkRegressor"):
        return getattr(import_module("gradiente.estimators"), name)
    raise AttributeError(f"gradiente has no attribute `{name}`; dir(gradiente) lists what it has.")


def __dir__() -> list[str]:
    return sorted({*__all__, *FUNCTIONS})
