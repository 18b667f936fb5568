"""The benchmarks keep the general rules of the library: small documented files."""

import pytest

from benchmarks.process import FOLDER
from tests.laws.test_architecture import (
    Project,
    long_files,
    long_functions,
    missing_docstrings,
)


@pytest.fixture(scope="module")
def project() -> Project:
    folder = FOLDER / "benchmarks"
    return Project(
        {
            f"benchmarks.{path.relative_to(folder)}": path.read_text(encoding="utf-8")
            for path in folder.rglob("*.py")
        }
    )


@pytest.mark.parametrize("rule", [missing_docstrings, long_functions, long_files])
def test_the_benchmarks_keep_the_rule(rule, project):
    assert "benchmarks.worker.py" in project.trees
    assert not rule(project)
