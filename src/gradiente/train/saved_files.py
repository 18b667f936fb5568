"""`gd.save` and `gd.load`: a trainer, or a network alone, in one file that cannot execute code."""

from pathlib import Path
from typing import Any

from gradiente.base.errors import GradienteError, InvalidArgumentError, RunError
from gradiente.nn.module import Module
from gradiente.train.checkpoint import Saved, read_checkpoint, write_checkpoint
from gradiente.train.description import described, rebuilt
from gradiente.train.history import History
from gradiente.train.state import WEIGHTS, weights_of
from gradiente.train.trainer import Trainer


def save(thing: Trainer | Module, path: str | Path) -> None:
    """Write a trainer, with all that its training continues from, or a network into one file.

    The file appears whole or not at all, and has no code in it. Raises `RunError` if it cannot be
    written, `InvalidArgumentError` for anything else than these two.
    """
    if isinstance(thing, Trainer):
        thing.save(path)
    elif isinstance(thing, Module):
        parts = {"network": described(thing)}
        write_checkpoint(Path(path), Saved(weights_of(thing), History(), None, parts=parts))
    else:
        raise InvalidArgumentError(f"save takes a Trainer or a network, not {thing!r}.")


def load(path: str | Path, network: Module | None = None, **options: Any) -> Any:
    """What `save` wrote: a trainer that continues bit for bit, or a network that predicts.

    path: a file, or a folder of checkpoints of a training, of which the newest intact one is taken.
    network, options: as in `Trainer.load`; needed for layers, losses, ... of your own.
    Raises `RunError` as that does.
    """
    path = Path(path)
    saved = None if path.is_dir() else read_checkpoint(path)
    if saved is None or saved.facts is not None:
        return Trainer.load(path, network, **options)
    if network is None:
        network = rebuilt(saved.parts.get("network"), "network", path)
    state = saved.state
    try:
        weights = {path: value for part in WEIGHTS for path, value in state[part].items()}
        if not isinstance(network, Module):
            raise InvalidArgumentError(f"{network!r} is no network.")
        network.load_state(weights, buffers=state["buffers"], frozen=state["fixed"])
    except (GradienteError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise RunError(f"{path} does not fit this network: {error}") from None
    return network
