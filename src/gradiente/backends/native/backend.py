"""The native backend: machine code for this CPU, written by us and made by LLVM."""

from functools import lru_cache, partial
from importlib.util import find_spec

from gradiente.backends.backend import Backend
from gradiente.backends.native.describe import llvm_text, machine_code
from gradiente.backends.native.loading import load_once
from gradiente.backends.native.machine.target import host
from gradiente.backends.native.run import NativeProgram, NativeSteps

KNOWN_CPUS = ("x86_64", "amd64", "aarch64", "arm64")


@lru_cache(maxsize=1)
def obstacle() -> str:
    """Why native code cannot run here; empty if it can."""
    if find_spec("llvmlite") is None:
        return "the package llvmlite is not installed (pip install llvmlite)"
    try:
        triple = host().triple
    except (ImportError, OSError, RuntimeError) as error:
        return f"llvmlite does not work ({error})"
    if not triple.lower().startswith(KNOWN_CPUS):
        return f"this kind of CPU is not known ({triple.split('-')[0]})"
    return ""


BACKEND = Backend(
    "native",
    partial(NativeProgram, loading=load_once),
    partial(NativeSteps, loading=load_once),
    partial(NativeProgram, timed=True, loading=load_once),
    partial(NativeSteps, timed=True, loading=load_once),
    obstacle,
    stages={
        "llvm": lambda program: llvm_text(program.module),
        "asm": lambda program: machine_code(program.module),
    },
    from_cache=lambda program: program.found,
)
