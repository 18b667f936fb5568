"""The number of threads settles on the fastest one, and follows when that changes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradiente.backends.native.threads.team_size import TRIAL_SHARE, Part, TeamSize


def run(team: TeamSize, calls: int, cost: dict[int, float], steps: int = 1000) -> dict[int, int]:
    """How many steps each size took part in, where a step of a size costs so much."""
    taken = dict.fromkeys(team.sizes, 0)
    for _ in range(calls):
        for part in team.parts(steps):
            taken[part.threads] += part.steps
            team.record(part, 1e-5 * part.steps * cost[part.threads])
    return taken


@given(st.integers(1, 64), st.integers(1, 300), st.integers(1, 6))
def test_the_parts_are_all_steps_in_order(most, steps, calls):
    team = TeamSize(most)
    for _ in range(calls):
        parts = list(team.parts(steps))
        assert parts[0].start == 0
        assert parts[-1].stop == steps
        assert all(a.stop == b.start for a, b in pairwise(parts))
        for part in parts:
            assert 1 <= part.threads <= most
            assert part.steps > 0
            team.record(part, 1.0)


@pytest.mark.parametrize("fastest", [1, 2, 4, 6])
def test_the_fastest_is_found(fastest):
    team = TeamSize(6)
    assert team.sizes == [1, 2, 4, 6]
    cost = {size: 1.0 if size == fastest else 3.0 for size in team.sizes}
    taken = run(team, 100, cost)
    assert team.best == fastest
    assert taken[fastest] > 0.9 * sum(taken.values())


def test_a_change_is_noticed():
    team = TeamSize(2)
    run(team, 20, {1: 2.0, 2: 1.0})
    assert team.best == 2
    run(team, 20, {1: 2.0, 2: 5.0})  # a core is lost
    assert team.best == 1
    run(team, 200, {1: 2.0, 2: 1.0})
    assert team.best == 2


def test_trials_of_slow_sizes_cost_little():
    team = TeamSize(2)
    cost = {1: 1.0, 2: 50.0}
    run(team, 4, cost)
    taken = run(team, 500, cost)
    assert taken[2] > 0
    assert taken[2] * cost[2] < 2 * TRIAL_SHARE * 500_000


def test_a_fixed_size_is_never_left():
    team = TeamSize(3, fixed=True)
    run(team, 10, {3: 1.0})
    assert list(team.parts(100)) == [Part(3, 0, 100)]


def test_waking_up_is_not_part_of_a_trial_but_of_a_run():
    team = TeamSize(2)
    run(team, 2, {1: 1.0, 2: 1.0})
    first, trial, rest = team.parts(1000)
    assert (first.measured, trial.measured, rest.measured) == (False, True, True)
    assert first.threads == trial.threads != rest.threads
    assert first.steps < trial.steps < rest.steps


def test_a_short_run_begins_alone_and_tries_others_later():
    team = TeamSize(2, short=True)
    taken = run(team, 50, {1: 1.0, 2: 0.5}, steps=1)
    assert taken == {1: 50, 2: 0}
    run(team, 5000, {1: 1.0, 2: 0.5}, steps=1)
    assert team.best == 2


def test_a_hiccup_is_not_believed():
    team = TeamSize(2)
    run(team, 20, {1: 1.0, 2: 3.0})
    team.record(Part(1, 0, 1000), 5.0)  # 500 times as long
    assert team.best == 1
