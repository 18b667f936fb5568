"""The state of a training: everything that changes during it, as one nested tree of arrays.

parameters   what is trained, by path
fixed        parameters that are frozen, by path
buffers      running statistics, by path
optimizer    moments, number of updates, scale of the learning rate
key          of all random numbers; each step draws from fold_in(key, batches)
batches      how many batches were seen since the beginning
accumulated  the sum of gradients since the last update, if updates gather several batches
plateau      what a schedule that watches the loss remembers, if there is one
sums         loss, weight, penalty and metrics of the epoch so far, and the first batch that failed

Nothing hides elsewhere: what is in the state can be saved, and training continues from it exactly.
"""

from typing import Any

import numpy as np

from gradiente.base.errors import InvalidArgumentError
from gradiente.nn.module import Module
from gradiente.optimizers.optimizer import Optimizer
from gradiente.schedules.plateau import ReduceOnPlateau
from gradiente.trace.random import key

State = dict[str, Any]

WEIGHTS = ("parameters", "fixed", "buffers")
PARTS = {**dict.fromkeys((*WEIGHTS, "optimizer"), dict), "key": np.ndarray, "batches": np.ndarray}
CARRIED = ("optimizer", "batches", "plateau", "sums")


def is_complete(state: State) -> bool:
    """True if every part is there that training cannot do without."""
    return all(isinstance(state.get(part), kind) for part, kind in PARTS.items())


def weights_of(network: Module) -> State:
    """The parts of a state that are in the network: its arrays themselves, not copies."""
    return {
        "parameters": network.parameters(trainable=True),
        "fixed": network.parameters(trainable=False),
        "buffers": network.buffers(),
    }


def state_of(
    network: Module, optimizer: Optimizer, seed: int, accumulate: int, previous: State | None = None
) -> State:
    """The state before the first batch, or before the next one after `previous`.

    The weights are those of the network as it is now: between fits, and between epochs, it may have
    got others, and other layers may be frozen. Moments are carried over for what is still trained;
    gradients that wait for an update are dropped.
    Raises `InvalidArgumentError` if nothing is trained.
    """
    state = _unchanged(weights_of(network), previous or {})
    parameters = state["parameters"]
    if not parameters:
        raise InvalidArgumentError(_nothing_to_train(network))
    state["optimizer"] = optimizer.init(parameters)
    state["key"] = key(seed)
    state["batches"] = np.zeros((), np.int64)
    if accumulate > 1:
        gradients = {path: np.zeros_like(value) for path, value in parameters.items()}
        state["accumulated"] = {"gradients": gradients, "weight": np.zeros(())}
    schedule = plateau_of(optimizer)
    if schedule is not None:
        state["plateau"] = _arrays(schedule.init())
    if previous is None:
        return state
    state.update({part: previous[part] for part in ("sums",) if part in previous})
    return {
        part: carried(value, previous[part]) if part in CARRIED and part in previous else value
        for part, value in state.items()
    }


def _nothing_to_train(network: Module) -> str:
    if network.parameters():
        return "there is nothing to train: all parameters are frozen; see `network.unfreeze`."
    return (
        f"there is nothing to train: {network!r} has no parameters. Layers inside a function, or "
        "in attributes whose name begins with `_`, are not found: put them into nn.Sequential, or "
        "into attributes of an nn.Module."
    )


def _unchanged(weights: State, previous: State) -> State:
    """Copies of the weights; where they are what they were, the arrays of the previous state."""
    known = {path: v for part in WEIGHTS for path, v in previous.get(part, {}).items()}
    return {
        part: {
            path: known[path] if path in known and _equal(value, known[path]) else np.array(value)
            for path, value in values.items()
        }
        for part, values in weights.items()
    }


def _equal(a: Any, b: Any) -> bool:
    return a is not b and _alike(a, b) and np.array_equal(a, b)


def carried(new: Any, old: Any) -> Any:
    """The new tree with the old arrays wherever there is one of the same place and type."""
    if isinstance(new, dict):
        known = old if isinstance(old, dict) else {}
        return {name: carried(v, known[name]) if name in known else v for name, v in new.items()}
    return old if not isinstance(old, dict) and _alike(new, old) else new


def _alike(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and np.asarray(a).dtype == np.asarray(b).dtype


# -- a schedule that watches the loss ------------------------------------------------------------


def plateau_of(optimizer: Optimizer) -> ReduceOnPlateau | None:
    """The schedule in an optimizer, or in its members, that watches the loss.

    Raises `InvalidArgumentError` for several different ones: there is one scale for all rates.
    """
    found = _plateaus(optimizer)
    if any(each != found[0] for each in found):
        raise InvalidArgumentError(
            "two optimizers have different ReduceOnPlateau schedules, but one loss is watched and "
            "one factor scales all learning rates: give them the same one."
        )
    if found and found[0].greater_is_better:
        raise InvalidArgumentError(
            "the trainer shows ReduceOnPlateau the validation loss, which is better when smaller: "
            "leave out greater_is_better=True."
        )
    return found[0] if found else None


def _plateaus(optimizer: Optimizer) -> list[ReduceOnPlateau]:
    if isinstance(optimizer.learning_rate, ReduceOnPlateau):
        return [optimizer.learning_rate]
    members = optimizer.options.get("members", ())
    if "optimizer" in optimizer.options:
        members = (optimizer.options["optimizer"],)
    inner = members.values() if isinstance(members, dict) else members
    return [schedule for member in inner for schedule in _plateaus(member)]


def observed(state: State, schedule: ReduceOnPlateau, value: float) -> State:
    """The state after such a schedule has seen the loss of an epoch."""
    before = {name: float(each) for name, each in state["plateau"].items()}
    after = schedule.observe(before, value)
    return with_rate_scale({**state, "plateau": _arrays(after)}, after["scale"])


def with_rate_scale(state: State, scale: float) -> State:
    """The state with another factor on the learning rate."""
    factor = np.array(scale, np.float64)
    state = {**state, "optimizer": {**state["optimizer"], "rate_scale": factor}}
    if "plateau" in state:
        state["plateau"] = {**state["plateau"], "scale": factor}
    return state


def _arrays(numbers: dict[str, float]) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.float64) for name, value in numbers.items()}
