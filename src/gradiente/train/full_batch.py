"""Iterations over all samples, for optimizers that evaluate the loss as often as they need."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradiente.backends.steps import CompiledSteps, TimedVariants
from gradiente.base.trees import map_tree
from gradiente.optimizers.optimizer import Evaluation, Named, Optimizer
from gradiente.train.inputs import Samples
from gradiente.train.state import State

WEIGHTS = ("parameters", "fixed")


@dataclass(frozen=True)
class Evaluated:
    """An evaluation, and the weights it was made with."""

    weights: State
    evaluation: Evaluation

    def is_of(self, state: State) -> bool:
        """Whether a state still has these weights."""
        return all(
            state[part].keys() == self.weights[part].keys()
            and all(np.array_equal(state[part][path], v) for path, v in self.weights[part].items())
            for part in WEIGHTS
        )


@dataclass(frozen=True)
class Searched:
    """What came out of an iteration; stopped: why it is the last, if it is."""

    state: State
    evaluated: Evaluated
    stopped: str | None


class FullBatch:
    """The mean loss over all samples, with penalties, and its gradient, by the parameters.

    It runs over the samples in batches, always in the same order and with the same random numbers,
    so that it is a function, and adds up what a step would gather for one update.
    """

    def __init__(
        self,
        gather: CompiledSteps,
        state: State,
        data: Samples,
        batch_size: int,
        timed: TimedVariants | None,
    ):
        # The arrays of a state are overwritten when the state is used.
        self.state: State = map_tree(np.array, state)
        self.gather = gather
        self.data = data
        self.timed = timed
        order, size = np.arange(data.count), min(batch_size, data.count)
        whole = data.count // size * size
        self.parts = [order[:whole].reshape(-1, size), order[whole:].reshape(1, -1)]
        self.size = size

    def __call__(self, parameters: Named) -> Evaluation:
        """Evaluate; the facts are the parts of the state that changed by it."""
        gradients = {path: np.zeros_like(value) for path, value in parameters.items()}
        state: State = {
            **self.state,
            "parameters": parameters,
            "batches": np.zeros_like(self.state["batches"]),
            "accumulated": {"gradients": gradients, "weight": np.zeros(()), "value": np.zeros(())},
        }
        for rows in self.parts:
            if rows.size:
                columns = self.data.as_tuple()
                state = self.gather.run(state, columns, rows, self.timed, self.size)
        changed = map_tree(np.array, {name: state[name] for name in ("buffers", "sums")})
        total = float(state["accumulated"]["weight"]) or 1.0
        sums = state["accumulated"]["gradients"]
        gradients = {path: np.asarray(sums[path] / sums[path].dtype.type(total)) for path in sums}
        return Evaluation(float(state["accumulated"]["value"]) / total, gradients, changed)


def iteration(
    optimizer: Optimizer, state: State, evaluate: FullBatch, known: Evaluated | None
) -> Searched:
    """One iteration of a search from a state; known: an evaluation that may be of its weights."""
    own = evaluate.state
    start = known.evaluation if known and known.is_of(own) else evaluate(own["parameters"])
    outcome, moments = optimizer.searched(evaluate, start, own["optimizer"], own["parameters"])
    following: dict[str, Any] = {
        **own,
        **outcome.evaluation.facts,
        "parameters": outcome.parameters,
        "optimizer": moments,
        "batches": own["batches"] + 1,
    }
    weights = map_tree(np.array, {part: following[part] for part in WEIGHTS})
    return Searched(following, Evaluated(weights, outcome.evaluation), outcome.stopped)
