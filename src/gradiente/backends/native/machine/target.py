"""What is known of the CPU the code is for: its name, its vector registers, how many there are."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Target:
    """A CPU as code generation sees it.

    triple, cpu, features: as LLVM names them.
    vector_bytes: the width of a vector register; registers: how many there are.
    fuses: whether it multiplies and adds in one instruction, rounding once.
    scales: whether it multiplies by powers of two, given their exponents, in one instruction.
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    registers: int
    fuses: bool = True
    scales: bool = False

    def lanes(self, itemsize: int) -> int:
        """How many elements of this size fit into a vector register."""
        return max(self.vector_bytes // itemsize, 1)


@lru_cache(maxsize=1)
def host() -> Target:
    """The CPU this process runs on."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    triple = llvm.get_process_triple()
    width, registers = _vectors(triple, features)
    arm = triple.startswith(("aarch64", "arm64"))
    return Target(
        triple,
        llvm.get_host_cpu_name(),
        features.flatten(),
        width,
        registers,
        fuses=arm or bool(features.get("fma")),
        scales=width == 64,
    )


def _vectors(triple: str, features: dict[str, bool]) -> tuple[int, int]:
    """Bytes of a vector register and the number of registers."""
    if triple.startswith(("aarch64", "arm64")):
        return 16, 32
    if features.get("avx512f"):
        return 64, 32
    if features.get("avx2") and features.get("fma"):
        return 32, 16
    return 16, 16
