"""How much memory this process has, and has had at most."""

import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def resident() -> int | None:
    """Bytes in memory now; `None` where the system does not say."""
    return _field("VmRSS")


def peak() -> int | None:
    """The most bytes in memory so far; `None` where the system does not say."""
    # Linux counts what the parent had when it started this process into `ru_maxrss`: not so here.
    return _field("VmHWM") or _maxrss()


def _field(name: str) -> int | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) * 1024
    return None


def _maxrss() -> int | None:
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return None
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
