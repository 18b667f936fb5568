"""Finding the delimiter and the header of a text."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.data.sniff import DELIMITERS, WHITESPACE, Layout, sniff, without_preface

ROWS = [["name", "size", "kind"], ["a", "1.5", "x"], ["b", "2", "y"], ["c", "3", "x"]]


@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_every_delimiter_is_found(delimiter):
    text = "\n".join(delimiter.join(row) for row in ROWS)
    assert sniff(text) == Layout(delimiter, 3, has_header=True)


def test_runs_of_blanks_divide():
    assert sniff("540.0 \t0.0 \t1\n 1 2   3 \n4 5 6\n") == Layout(WHITESPACE, 3, has_header=False)


def test_decimal_commas_do_not_divide():
    assert sniff("a;b\n1,5;2,5\n3,5;4,5\n") == Layout(";", 2, has_header=True)


def test_delimiters_in_quotes_do_not_divide():
    assert sniff('a,b\n"1;2;3",x\n"4;5;6",y\n') == Layout(",", 2, has_header=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("39, State-gov, 77516\n50, Private, 83311\n", False),  # the first line has numbers
        ("p,x,s\ne,x,s\np,f,s\ne,x,y\n", False),  # its words come again below
        ("?,x,s\ne,y,t\n", False),
        ("a,b,c\n", True),
        ("word,count\nthe,5\nof,3\n", True),
        (",a\nx,1\ny,2\n", True),
    ],
)
def test_a_header_is_told_from_data(text, expected):
    assert sniff(text).has_header is expected


def test_the_caller_may_know_better():
    assert sniff("2019,2020\n1,2\n", header=True).has_header
    assert not sniff("a,b\n1,2\n", header=False).has_header


@pytest.mark.parametrize(
    "text",
    [
        "Call me Ishmael. Some years ago,\nnever mind how long precisely,\nhaving little money\n"
        "in my purse, and nothing particular, to interest me on shore,\nI thought I would sail\n",
        "this is not a table\n",
        "",
    ],
)
def test_prose_is_no_table(text):
    assert sniff(text) is None


def test_one_word_a_line_is_a_column():
    assert sniff("size\n1\n2\n") == Layout(",", 1, has_header=True)


def test_a_comment_before_the_table_is_left_out():
    text = "\n|1x3 Cross validator\n1, 2, 3\n4, 5, 6\n7, 8, 9\n1, 2, 3\n1, 2, 3\n"
    layout = sniff(text)
    assert layout == Layout(",", 3, has_header=False, preface=1)
    assert without_preface(text, layout).split("\n")[:3] == ["", "", "1, 2, 3"]


def test_a_header_that_looks_like_a_comment_stays():
    assert sniff("#id,name\n1,a\n2,b\n").preface == 0


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=8)


@given(
    st.sampled_from(DELIMITERS),
    st.lists(st.lists(WORDS.map(lambda word: "w" + word), min_size=3, max_size=3), min_size=6),
)
def test_quoted_tables_have_their_width_whatever_they_hold(delimiter, rows):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        rows
    )
    layout = sniff(text.getvalue())
    assert (layout.delimiter, layout.width) == (delimiter, 3)


@given(st.text(max_size=300))
def test_no_text_is_too_odd(text):
    layout = sniff(text)
    assert layout is None or layout.width >= 1
