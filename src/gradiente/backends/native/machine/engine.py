"""From LLVM's text to machine code that can be called: the one place that runs llvmlite."""

import ctypes
import os
import threading
from dataclasses import dataclass
from typing import Any
from weakref import finalize

from gradiente.backends.native.machine import cache
from gradiente.backends.native.machine.target import Target, host
from gradiente.base.version import __version__

# The code is written as it should be: only the code generator is asked.
CODEGEN_OPTIONS: dict[str, Any] = {"opt": 3, "jit": True}

_lock = threading.RLock()  # around all that llvmlite does here, until engines end


def _renew() -> None:
    """After a fork: whoever holds the lock in the child is not there."""
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):  # a fork waits, so that the child finds LLVM between two works
    os.register_at_fork(
        before=lambda: _lock.acquire(),
        after_in_parent=lambda: _lock.release(),
        after_in_child=_renew,
    )


@dataclass
class Counts:
    """How many modules this process has compiled, and how many it found compiled on disk."""

    compiled: int = 0
    found: int = 0


counts = Counts()


@dataclass(eq=False)
class Library:
    """Compiled functions, alive as long as this object is.

    A function's address is only valid while the engine that owns the code lives: whoever keeps an
    address keeps the library too.

    found: True if the code came from the cache.
    """

    engine: Any
    text: str
    found: bool

    def __post_init__(self) -> None:
        finalize(self, _end, self.engine).atexit = False  # then, threads may still run the code

    def address(self, name: str) -> int:
        """Where a function begins."""
        with _lock:
            address: int = self.engine.get_function_address(name)
        return address

    def function(self, name: str, *types: Any) -> Any:
        """A function that takes arguments of ctypes types and returns nothing."""
        prototype = ctypes.CFUNCTYPE(None, *types)
        callable_ = prototype(self.address(name))
        callable_.library = self  # type: ignore[attr-defined]
        return callable_


def _end(engine: Any) -> None:
    """Give the code of an engine back, when nobody can call it any more."""
    with _lock:
        engine.close()


def target_machine(target: Target) -> Any:
    """A new code generator; an engine takes it over and ends it, so each engine needs its own."""
    import llvmlite.binding as llvm

    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.cpu, features=target.features, **CODEGEN_OPTIONS
    )


def compile_text(text: str) -> Library:
    """Compile a module of LLVM text for this CPU, or take its code from the cache."""
    target = host()
    key = _key(text, target)
    with _lock:
        stored = cache.load(key)
        code = _emitted(text, target) if stored is None else stored
        engine = _loaded(code, target)
        counts.compiled += stored is None
        counts.found += stored is not None
    if stored is None:
        cache.store(key, code)
    return Library(engine, text, found=stored is not None)


def _key(text: str, target: Target) -> str:
    """The name of the code in the cache: everything it depends on."""
    import llvmlite
    import llvmlite.binding as llvm

    machine = [target.triple, target.cpu, target.features, repr(sorted(CODEGEN_OPTIONS.items()))]
    versions = [__version__, llvmlite.__version__, repr(llvm.llvm_version_info)]
    return cache.key_of(text, *machine, *versions)


def _emitted(text: str, target: Target) -> bytes:
    """The object file of a module."""
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(text)
    module.verify()
    module.triple = target.triple
    code: bytes = target_machine(target).emit_object(module)
    return code


def _loaded(code: bytes, target: Target) -> Any:
    """An engine with an object file in executable memory, linked with this process."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), target_machine(target))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def assembly(text: str) -> str:
    """The machine code of a module, as the assembler writes it."""
    import llvmlite.binding as llvm

    with _lock:
        module = llvm.parse_assembly(text)
        return target_machine(host()).emit_assembly(module)
