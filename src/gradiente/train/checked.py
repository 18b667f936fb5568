"""What a trainer is given, checked: each raises `InvalidArgumentError` for something else."""

from collections.abc import Callable
from typing import Any

from gradiente.base.arguments import check_number
from gradiente.base.errors import InvalidArgumentError
from gradiente.losses.loss import find_loss
from gradiente.metrics.metric import METRICS, Metric
from gradiente.nn.module import Module
from gradiente.optimizers.adam import Adam
from gradiente.optimizers.optimizer import OPTIMIZERS, Kind, Optimizer


def checked_network(network: Any) -> Module:
    """The network, if it is a module."""
    if isinstance(network, Module):
        return network
    if isinstance(network, type) and issubclass(network, Module):
        raise InvalidArgumentError(
            f"the network is the class {network.__name__}; write {network.__name__}(...)."
        )
    if callable(network):
        raise InvalidArgumentError(
            f"the network is the function `{_name(network)}`, in which no layers can be found: use "
            "nn.Sequential, or a subclass of nn.Module with the layers in its attributes."
        )
    raise InvalidArgumentError(f"the network must be an nn.Module, not {network!r}.")


def checked_loss(loss: Any) -> Callable[..., Any]:
    """The loss as a function, which may be given by name."""
    if isinstance(loss, str):
        return find_loss(loss)
    if callable(loss) and not isinstance(loss, type):
        return loss
    raise InvalidArgumentError(
        f"the loss must be a function (prediction, target) -> number, or the name of a loss, not "
        f"{loss!r}."
    )


def checked_optimizer(optimizer: Any) -> Optimizer:
    """The optimizer; Adam unless another one was given."""
    if optimizer is None:
        return Adam(1e-3)
    if isinstance(optimizer, Optimizer):
        if optimizer.kind != Kind.OPTIMIZER:
            raise InvalidArgumentError(
                f"{optimizer!r} changes gradients, but moves no parameters against them: write "
                f"optimizers.chain({optimizer!r}, optimizers.SGD(0.1))."
            )
        return optimizer
    call = f": write {_name(optimizer)}(...)" if optimizer in OPTIMIZERS.values() else ""
    raise InvalidArgumentError(
        f"the optimizer must be one of gradiente.optimizers, such as Adam(1e-3), not "
        f"{optimizer!r}{call}."
    )


def checked_seconds(seconds: Any) -> float | None:
    """The time allowed; `None` for any."""
    return None if seconds is None else check_number("max_seconds", seconds, above=0)


def checked_metrics(metrics: Any) -> list[Metric]:
    """The metrics as a list."""
    if not isinstance(metrics, list | tuple):
        raise InvalidArgumentError(f"metrics is a list of metrics, not {metrics!r}.")
    for metric in metrics:
        if not isinstance(metric, Metric):
            name = metric if isinstance(metric, str) else _name(metric)
            call = f"; write metrics.{name}" if name in METRICS else ""
            arguments = "(...)" if call and not isinstance(METRICS[name], Metric) else ""
            raise InvalidArgumentError(
                f"{metric!r} is not a metric of gradiente.metrics{call}{arguments}."
            )
    names = [metric.name for metric in metrics]
    if len(set(names)) < len(names):
        raise InvalidArgumentError(f"two metrics have the same name: {', '.join(names)}.")
    return list(metrics)


def _name(thing: Any) -> str:
    return str(getattr(thing, "__name__", type(thing).__name__))
