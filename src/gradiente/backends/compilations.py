"""How often functions were traced and compiled, and what that cost."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Compilations:
    """Counts, of one function or of all functions of a training.

    variants: how often something was made to run, for new shapes, data types or static arguments.
    compiled, from_cache: how many of these LLVM compiled, and how many were found compiled, in this
    process or on disk.
    seconds: what all of it took, from tracing to machine code.
    """

    variants: int = 0
    compiled: int = 0
    from_cache: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Compilations") -> "Compilations":
        return Compilations(
            self.variants + other.variants,
            self.compiled + other.compiled,
            self.from_cache + other.from_cache,
            self.seconds + other.seconds,
        )

    def __sub__(self, other: "Compilations") -> "Compilations":
        return Compilations(
            self.variants - other.variants,
            self.compiled - other.compiled,
            self.from_cache - other.from_cache,
            self.seconds - other.seconds,
        )

    def __str__(self) -> str:
        words = [f"{self.variants} variant{'' if self.variants == 1 else 's'}"]
        if self.compiled:
            words.append(f"{self.compiled} compiled")
        if self.from_cache:
            words.append(f"{self.from_cache} from the cache")
        if self.variants:
            words.append(f"{self.seconds:.2f} s")
        return ", ".join(words)
