"""Where the time of a function goes: `gd.profile`."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from gradiente.backends.compile import CompiledFunction, compile
from gradiente.backends.profile import Profile
from gradiente.base.arguments import check_count

ENOUGH = 0.3  # seconds of measuring, where nobody said how often
FEWEST, MOST = 3, 10_000  # runs then


def profile(
    function: Callable[..., Any], *args: Any, repeats: int | None = None, **kwargs: Any
) -> Profile:
    """Run a compiled function a number of times, and say where the time went.

    function: as `gd.compile` takes it, or what it returned; args, kwargs: as in the call. Random
    layers and the like apart, every run is the same.
    repeats: how many runs, after one that is not counted; by default as many as take about 0.3 s.

    The profile names the time of each kernel, what it computes, and the user's lines behind it.
    Raises `InvalidArgumentError` for a number of runs below 1.
    """
    if repeats is not None:
        check_count("repeats", repeats, at_least=1)
    compiled = function if isinstance(function, CompiledFunction) else compile(function)
    program, arrays = compiled.timed(*args, **kwargs)
    program(arrays)
    program.reset()
    done, until = 0, perf_counter() + ENOUGH
    while done < (repeats or MOST):
        program(arrays)
        done += 1
        if repeats is None and done >= FEWEST and perf_counter() > until:
            break
    return program.profile()
