"""What the parameters of an estimator may be; checked when it is fitted, not when it is made."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from gradiente.base.arguments import check_choice, check_count, check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.optimizers.optimizer import Optimizer

NUMBERS: dict[str, dict[str, float]] = {
    "alpha": {"at_least": 0},
    "learning_rate_init": {"above": 0},
    "power_t": {"at_least": 0},
    "tol": {"at_least": 0},
    "momentum": {"at_least": 0, "below": 1},
    "validation_fraction": {"at_least": 0, "below": 1},
    "beta_1": {"at_least": 0, "below": 1},
    "beta_2": {"at_least": 0, "below": 1},
    "epsilon": {"above": 0},
}
COUNTS = ("max_iter", "max_fun")
SOLVERS = ("lbfgs", "sgd", "adam")
RATES = ("constant", "invscaling", "adaptive")


def check_parameters(parameters: dict[str, Any]) -> None:
    """Raise `InvalidArgumentError` for the first parameter that makes no sense."""
    for name, bounds in NUMBERS.items():
        check_number(name, parameters[name], **bounds)
    for name in COUNTS:
        check_count(name, parameters[name], at_least=1)
    if parameters["n_iter_no_change"] != math.inf:
        check_count("n_iter_no_change", parameters["n_iter_no_change"], at_least=1)
    if parameters["batch_size"] != "auto":
        check_count("batch_size", parameters["batch_size"], at_least=1)
    if not isinstance(parameters["standardize"], bool | np.bool_):
        check_choice("standardize", parameters["standardize"], ("auto",))
    if not isinstance(parameters["solver"], Optimizer):
        check_choice("solver", parameters["solver"], SOLVERS)
    if not callable(parameters["learning_rate"]):
        check_choice("learning_rate", parameters["learning_rate"], RATES)


def hidden_sizes(given: Any) -> list[int]:
    """The sizes of the hidden layers from `hidden_layer_sizes`: a number, or several."""
    sizes = list(given) if isinstance(given, Iterable) else [given]
    return [check_count("hidden_layer_sizes", size, at_least=1) for size in sizes]


def for_each_layer(name: str, given: Any, layers: int) -> list[Any]:
    """One value per hidden layer from one for all, or from a list of one for each.

    Raises `InvalidArgumentError` for a list of another length.
    """
    if not isinstance(given, list | tuple):
        return [given] * layers
    if len(given) != layers:
        raise InvalidArgumentError(
            f"`{name}` has {len(given)} entries for {layers} hidden layers: give one for each, or "
            "one for all."
        )
    return list(given)
