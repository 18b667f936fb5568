"""Options as a TOML file."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradiente.base.errors import DataError
from gradiente.cli.toml import read_toml, write_toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.one_of(
    TEXT, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TEXT, VALUES, st.lists(st.integers(0, 999)))
def test_what_is_written_is_read_back(tmp_path, text, value, sizes):
    options = {"data": text, "value": value, "hidden": sizes, "absent": None}
    file = tmp_path / "config.toml"
    file.write_text(write_toml(options, "a comment"), encoding="utf-8", newline="")
    assert read_toml(file) == {"data": text, "value": value, "hidden": sizes}


@pytest.mark.parametrize("content", [b"a = ", b"\xff", b"a = 1\na = 2"])
def test_damaged_files_are_named(tmp_path, content):
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"config\.toml is not a TOML file"):
        read_toml(file)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.toml cannot be read: No such file"):
        read_toml(tmp_path / "nowhere.toml")
