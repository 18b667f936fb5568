"""Decoding text files and refusing binary ones."""

import numpy as np
import pytest

from gradiente.base.errors import DataError
from gradiente.data.text import read_text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "größe,α\n"),
        ("utf-8-sig", "größe,α\n"),
        ("utf-16", "größe,α\n"),
        ("cp1252", "größe,é\n"),
    ],
)
def test_the_usual_encodings_are_read(tmp_path, encoding, text):
    file = tmp_path / "table.csv"
    file.write_bytes(text.encode(encoding))
    assert read_text(file) == text


def test_lines_end_in_line_feeds(tmp_path):
    file = tmp_path / "table.csv"
    file.write_bytes(b"a\r\nb\rc\n")
    assert read_text(file) == "a\nb\nc\n"


@pytest.mark.parametrize("content", [b"a,b\n\x00\x01", b"\x1f\x8b\x08\x00", b"\x81\x8d\x8f"])
def test_binary_files_are_refused(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"table\.csv is not a text file"):
        read_text(file)


def test_random_bytes_are_refused(tmp_path):
    file = tmp_path / "table.csv"
    file.write_bytes(np.random.default_rng(0).bytes(4096))
    with pytest.raises(DataError):
        read_text(file)
