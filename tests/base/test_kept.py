"""Values that are kept: the latest ones, each made once."""

import threading

import pytest

from gradiente.base.kept import Kept


def test_a_value_is_made_once_while_it_is_among_the_latest():
    kept, made = Kept(2), []

    def find(key):
        return kept.find(key, lambda: made.append(key) or key.upper())

    assert find("a") == ("A", False)
    assert find("a") == ("A", True)
    find("b")
    find("a")
    find("c")  # for which the one that was not looked at longest has to go
    assert find("a") == ("A", True)
    assert find("b") == ("B", False)
    assert made == ["a", "b", "c", "b"]
    assert len(kept) == 2
    kept.clear()
    assert find("a") == ("A", False)


def test_what_fails_is_not_kept_and_others_go_on():
    kept = Kept(2)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            kept.find("a", lambda: 1 / 0)
    assert kept.find("a", lambda: 1) == (1, False)


def test_a_value_may_be_made_of_others_and_in_threads():
    kept = Kept(8)
    found = []

    def outer():
        found.append(kept.find("outer", lambda: kept.find("inner", lambda: 3)[0] + 1)[0])

    threads = [threading.Thread(target=outer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [4] * 8
