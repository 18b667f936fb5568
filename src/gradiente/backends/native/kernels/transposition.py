"""Square blocks of elements transposed in registers, a vector a row."""

from collections.abc import Sequence

from gradiente.backends.native.language.emit import Code, Value


def transposed(code: Code, rows: Sequence[Value]) -> list[Value]:
    """The columns of as many vectors as a vector has lanes (a power of two).

    Halves change places between rows whose distance is half the block, then quarters between those
    at half that distance, and so on: log₂ n rounds of two shuffles for each pair of rows.
    """
    rows, lanes = list(rows), len(rows)
    distance = lanes // 2
    while distance:
        low = [lane if not lane & distance else lanes + lane - distance for lane in range(lanes)]
        high = [lane + distance if not lane & distance else lanes + lane for lane in range(lanes)]
        for first in range(lanes):
            if not first & distance:
                a, b = rows[first], rows[first + distance]
                rows[first] = shuffled(code, a, b, low)
                rows[first + distance] = shuffled(code, a, b, high)
        distance //= 2
    return rows


def shuffled(code: Code, a: Value, b: Value, places: Sequence[int]) -> Value:
    """A vector of chosen lanes of two vectors: those of b are counted on from those of a."""
    chosen = ", ".join(f"i32 {place}" for place in places)
    return code.assign(
        f"shufflevector {a.kind.text} {a.name}, {b.kind.text} {b.name}, "
        f"<{len(places)} x i32> <{chosen}>",
        type(a.kind)(a.dtype, len(places)),
    )
