"""Which libraries there are, where their training is, and what belongs to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.training import Training
from benchmarks.workloads import Workload

OURS = "gradiente"
WITHOUT_FLOW = f"{OURS}.noflow"  # how long it takes when nobody looks at the gradient


@dataclass(frozen=True)
class Library:
    """One way to train.

    peer: the module with its `Training`, and options for that.
    imports: the module a user of it imports; distributions: what the user installs.
    caches: environment variables for a folder of compiled code, where `{}` stands for the folder.
    asked: whether it takes part only if it is named.
    """

    name: str
    peer: str
    imports: str
    distributions: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    caches: Mapping[str, str] = field(default_factory=dict)
    asked: bool = False

    @property
    def installed(self) -> bool:
        """True if all of it can be imported."""
        needed = {self.imports.split(".")[0], *({"optax"} & set(self.distributions))}
        return all(find_spec(name) is not None for name in needed)

    def training(self, workload: Workload, **options: Any) -> Training:
        """Import the library and prepare a training; for the process of its own."""
        module = import_module(f"benchmarks.peers.{self.peer}")
        training: Training = module.Training(workload, **self.options, **options)
        return training


JAX_CACHE = {
    "JAX_COMPILATION_CACHE_DIR": "{}",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
JAX = ("jax", "optax")

LIBRARIES = {
    library.name: library
    for library in (
        Library(
            OURS,
            "gradiente.training",
            "gradiente",
            ("gradiente",),
            caches={"GRADIENTE_CACHE": "{}"},
        ),
        Library("torch", "torch.training", "torch", ("torch",)),
        Library(
            "torch.compile",
            "torch.training",
            "torch",
            ("torch",),
            options={"compiled": True},
            caches={"TORCHINDUCTOR_CACHE_DIR": "{}"},
        ),
        Library("jax.jit", "jax.training", "jax", JAX, caches=JAX_CACHE),
        Library("jax.scan", "jax.training", "jax", JAX, options={"scan": True}, caches=JAX_CACHE),
        Library("sklearn", "sklearn", "sklearn.neural_network", ("scikit-learn",)),
        Library(
            WITHOUT_FLOW,
            "gradiente.training",
            "gradiente",
            ("gradiente",),
            options={"flow": False},
            caches={"GRADIENTE_CACHE": "{}"},
            asked=True,
        ),
    )
}
