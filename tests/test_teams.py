"""Teams: as many at work as there are, each with its share of the threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import torch

from render.networks.threads import thread_count
from render.teams import Alone, Teams

SECONDS = 20  # that a test waits before it fails


@pytest.fixture(params=[4, 5])
def threads(request, use_threads):
    """What PyTorch has for the test."""
    use_threads(request.param)
    return request.param


def of_a_new_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(torch.get_num_threads).result()


def test_teams_work_side_by_side_with_a_share_each(threads):
    meeting = threading.Barrier(2)

    def work():
        meeting.wait(SECONDS)  # nobody gets past it alone
        return thread_count(), torch.get_num_threads()

    with closing(Teams(2)) as teams:
        begun = [teams.start(work) for _ in range(4)]
        # What PyTorch draws would round by its threads.
        assert {one.result(SECONDS) for one in begun} == {(2, 1), (threads - 2, 1)}


def test_nobody_else_gets_fewer_threads(threads):
    with closing(Teams(2)) as teams:
        assert torch.get_num_threads() == of_a_new_thread() == threads
        teams.start(torch.get_num_threads).result(SECONDS)
        assert torch.get_num_threads() == of_a_new_thread() == threads


def test_whoever_asks_waits_for_a_free_team(threads):
    doors, begun = [threading.Event() for _ in range(3)], []

    def work(number):
        doors[number].wait(SECONDS)
        begun.append(number)

    with closing(Teams(2)) as teams, ThreadPoolExecutor(1) as asking:
        asked = asking.submit(lambda: [teams.start(work, number) for number in range(3)])
        with pytest.raises(TimeoutError):
            asked.result(0.2)
        doors[1].set()
        third = asked.result(SECONDS)[2]
        assert not third.done()
        doors[2].set()
        third.result(SECONDS)
        doors[0].set()
    assert begun == [1, 2, 0]


def test_together_is_with_all_threads_and_alone(threads):
    door, done = threading.Event(), []
    with closing(Teams(2)) as teams:
        teams.start(lambda: door.wait(SECONDS) and done.append("the team"))
        threading.Timer(0.1, door.set).start()
        told = teams.together(lambda: done.append("all") or (thread_count(), torch.get_num_threads()))
        assert told.result(SECONDS) == (threads, 1)
        assert done == ["the team", "all"]
        assert {teams.start(thread_count).result(SECONDS) for _ in range(9)} <= {2, threads - 2}


def test_one_team_has_all_threads(threads):
    with closing(Teams(1)) as team:
        assert team.start(thread_count).result(SECONDS) == threads


def test_alone_is_in_the_thread_that_asks(threads):
    alone = Alone()
    for method in (alone.start, alone.together):
        assert method(threading.get_ident).result() == threading.get_ident()
        assert method(torch.get_num_threads).result() == threads
        with pytest.raises(ZeroDivisionError):
            method(lambda: 1 // 0)


def test_there_are_no_more_teams_than_threads(use_threads):
    use_threads(1)
    with closing(Teams(2)) as teams:
        assert teams.count == 1


def test_what_goes_wrong_is_told_and_the_team_is_free_again(threads):
    with closing(Teams(2)) as teams:
        failed = [teams.start(lambda: 1 // 0) for _ in range(5)]
        for one in failed:
            with pytest.raises(ZeroDivisionError):
                one.result(SECONDS)


def test_closing_waits_for_what_was_begun_and_leaves_no_thread(threads):
    before, door = threading.active_count(), threading.Event()
    teams = Teams(2)
    begun = teams.start(door.wait, SECONDS)
    threading.Timer(0.1, door.set).start()
    teams.close()
    assert begun.done()
    assert begun.result()
    assert not any(thread.name.startswith("team") for thread in threading.enumerate())
    assert threading.active_count() <= before + 1  # the timer may still be there
