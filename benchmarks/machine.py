"""What a run was measured on: processor, system and versions."""

import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from llvmlite import binding as llvm

# The instructions that decide how fast matrix products can be.
DECISIVE = ("fma", "avx2", "avx512f", "avx512_bf16", "amx-tile", "neon", "sve", "sve2")
DISTRIBUTIONS = (
    "gradiente",
    "numpy",
    "llvmlite",
    "torch",
    "jax",
    "jaxlib",
    "optax",
    "scikit-learn",
)


@dataclass(frozen=True)
class Machine:
    """A machine and what was installed on it, at the time of the run."""

    processor: str
    target: str
    cores: int
    features: tuple[str, ...] | list[str]
    system: str
    python: str
    versions: Mapping[str, str]
    date: str

    @property
    def title(self) -> str:
        """The machine in a line."""
        features = ", ".join(self.features)
        cores = f"{self.cores} core{'' if self.cores == 1 else 's'}"
        return f"{self.processor} ({self.target}), {cores}, {features}; {self.system}"

    @property
    def software(self) -> str:
        """The versions in a line."""
        found = [f"Python {self.python}", *(f"{name} {v}" for name, v in self.versions.items())]
        return ", ".join(found)


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def features() -> set[str]:
    """The processor's features in LLVM's words."""
    return {name for name, present in llvm.get_host_cpu_features().items() if present}


def describe() -> Machine:
    """This machine, now."""
    present = features()
    return Machine(
        processor=_processor(),
        target=llvm.get_host_cpu_name(),
        cores=cores(),
        features=tuple(name for name in DECISIVE if name in present),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        versions={name: found for name in DISTRIBUTIONS if (found := _version(name))},
        date=datetime.now(UTC).date().isoformat(),
    )


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return platform.processor() or platform.machine()


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
