"""What all tests share: graphs are verified after every trace; the user's cache is left alone."""

import os

import pytest

os.environ["GRADIENTE_CHECK"] = "1"
os.environ["GRADIENTE_CACHE"] = "off"  # while tests are collected


@pytest.fixture(scope="session", autouse=True)
def compiled_code_is_kept_for_the_session(tmp_path_factory):
    """A cache of the session's own, so that the tests also run on code that was loaded."""
    os.environ["GRADIENTE_CACHE"] = str(tmp_path_factory.mktemp("cache"))
