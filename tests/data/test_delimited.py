"""Reading text files of separated values."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradiente.base.errors import DataError
from gradiente.data.delimited import read_delimited


@pytest.fixture
def write(tmp_path):
    def write(text):
        file = tmp_path / "table.csv"
        file.write_text(text)
        return file

    return write


def test_blanks_and_missing_markers_are_stripped(write):
    frame = read_delimited(write("age, work, class\n39, State-gov, <=50K\n ?, ?, >50K\n"))
    assert frame.rows() == [(39, "State-gov", "<=50K"), (None, None, ">50K")]


def test_without_names_the_columns_are_numbered(write):
    frame = read_delimited(write("39, State-gov\n50, Private\n"))
    assert frame.columns == ["column_1", "column_2"]
    assert frame.height == 2


def test_names_that_lack_or_come_twice_are_made_up(write):
    frame = read_delimited(write("a,,a\n1,2,3\n"))
    assert frame.columns == ["a", "column_2", "a_2"]


def test_quotes_hold_delimiters_line_ends_and_quotes(write):
    frame = read_delimited(write('a, b\n"1, 2", "x\ny"\n"say ""hi""", z\n'))
    assert frame.rows() == [("1, 2", "x\ny"), ('say "hi"', "z")]


def test_blank_lines_are_no_rows(write):
    assert read_delimited(write("\na,b\n\n1,2\n \n3,4\n\n")).rows() == [(1, 2), (3, 4)]


def test_blanks_divide_columns(write):
    frame = read_delimited(write("540.0 \t0.0 \t28 \n332.5   142.5\t7\n"))
    assert frame.rows() == [(540.0, 0.0, 28), (332.5, 142.5, 7)]


def test_text_columns_stay_text(write):
    frame = read_delimited(write("a,b\n01,1\n02,2\nNA,3\n"), as_text=["a"])
    assert frame.rows() == [("01", 1), ("02", 2), (None, 3)]


def test_decimal_commas(write):
    assert read_delimited(write("a;b\n1,5;x\n2,5;y\n"))["a"].to_list() == [1.5, 2.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n\n", "is empty"),
        ("a,b\n", "no rows"),
        (",", "nothing in its fields"),
        ("a,b\n1,2\n3,4\n5,6\n1,2,3\n7,8\n", "line 5, has 3 fields where the other lines have 2"),
        ("a,b\n1,2\n3,4\n5\n7,8\n9,0\n", "line 4, has 1 field where the other lines have 2"),
        ("a,b\n1,2\n\n3,4\n5,6,7\n7,8\n9,0\n", "line 5, has 3 fields"),
        ('a,b\n1,"2\n3,4\n5,6\n', "table"),
        ("It was the best of times,\nit was the worst\nof times, it was, it was\n", "not a table"),
    ],
)
def test_each_mistake_is_named(write, text, message):
    with pytest.raises(DataError, match=message):
        read_delimited(write(text))


def test_a_last_field_may_be_missing(write):
    assert read_delimited(write("a,b\n1,\n2,x\n")).rows() == [(1, None), (2, "x")]


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=6
).map(lambda text: "w" + text.strip() + "w")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, st.integers(-(10**9), 10**9)), min_size=2, max_size=20),
    st.sampled_from(";,|\t"),
)
def test_what_the_csv_module_writes_is_read_back(tmp_path, rows, delimiter):
    file = tmp_path / "table.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter=delimiter)
        writer.writerow(["first name", "second name", "third name"])
        writer.writerows(rows)
    assert read_delimited(file).rows() == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_make_a_table_or_a_data_error(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    try:
        assert read_delimited(file).height > 0
    except DataError as error:
        assert str(file) in str(error)
