"""The optimizer of an estimator, from its parameters."""

from dataclasses import replace
from typing import Any

from gradiente.optimizers.adam import Adam
from gradiente.optimizers.lbfgs import LBFGS
from gradiente.optimizers.optimizer import Evaluation, Named, Optimizer, Outcome
from gradiente.optimizers.sgd import SGD


def build_optimizer(parameters: dict[str, Any]) -> Optimizer:
    """The optimizer that `solver` names, with the parameters that concern it, or the one given."""
    solver = parameters["solver"]
    if isinstance(solver, Optimizer):
        return solver
    if solver == "lbfgs":
        return with_most_evaluations(LBFGS(tolerance=parameters["tol"]), parameters["max_fun"])
    scheduled = parameters["learning_rate"]
    rate = scheduled if callable(scheduled) else parameters["learning_rate_init"]
    if solver == "adam":
        betas = parameters["beta_1"], parameters["beta_2"]
        return Adam(rate, betas=betas, epsilon=parameters["epsilon"])
    momentum = parameters["momentum"]
    nesterov = bool(parameters["nesterovs_momentum"] and momentum)
    return SGD(rate, momentum=momentum, nesterov=nesterov)


def with_most_evaluations(optimizer: Optimizer, most: int) -> Optimizer:
    """The optimizer, ending after the iteration with the given number of evaluations."""
    search, done = optimizer.search, 0
    assert search is not None

    def limited(evaluate: Any, *args: Any) -> Outcome:
        def counted(parameters: Named) -> Evaluation:
            nonlocal done
            done += 1
            return evaluate(parameters)

        outcome = search(counted, *args)
        if done >= most and outcome.stopped is None:
            return replace(outcome, stopped=f"{most} evaluations are done")
        return outcome

    return replace(optimizer, search=limited)
