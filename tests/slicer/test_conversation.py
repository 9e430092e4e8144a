"""Requests one after another, several at once, paused, cancelled and given up."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("slicer_core", reason="needs slicer-core: run make test-panel")

from MACTFusionLib.worker.conversation import Conversation, Turn, WorkerError
from MACTFusionLib.worker.process import WorkerProcess
from waiting import until

ANSWERS = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    kind, number = request["request"], request["id"]
    if kind == "silent":
        continue
    if kind == "cancel":
        print(json.dumps({"reply": "result", "id": number, "found": True}), flush=True)
        number, kind = request["target"], "cancelled"
    if kind in ("refused", "cancelled"):
        reply = {"reply": "error", "code": kind, "sentence": "No."}
    else:
        if kind == "told":
            print(json.dumps({"reply": "progress", "id": number, "stage": "x"}), flush=True)
        reply = {"reply": "result", **request, "file": kind}
    print(json.dumps({**reply, "id": number}), flush=True)
"""


@pytest.fixture
def process():
    """A program that answers, and echoes what it is asked."""
    started = WorkerProcess([sys.executable, "-c", ANSWERS], {})
    yield started
    started.stop(0)


@pytest.fixture
def talk(process):
    """Run steps to their end; returns the outcome, the error, the news and what was not read."""

    def talk(steps, act=lambda conversation: None):
        ended, news, unread = [], [], []
        conversation = Conversation(
            process, steps, lambda *end: ended.append(end), news.append, unread.append
        ).start()
        act(conversation)
        until(lambda: ended, process.pump)
        assert conversation.is_over
        assert len(ended) == 1
        return (*ended[0], news, unread)

    return talk


def test_steps_are_sent_results_and_errors(talk):
    def steps():
        first = yield "load", {"number": 5}
        try:
            yield "refused", {}
        except WorkerError as error:
            return first["number"], error.code, str(error)

    outcome, error, _news, _unread = talk(steps())
    assert outcome == (5, "refused", "No.")
    assert error is None


def test_an_error_that_no_step_takes_is_the_end(talk):
    def steps():
        yield "refused", {}

    outcome, error, _news, _unread = talk(steps())
    assert outcome is None
    assert error.code == "refused"


def test_a_turn_has_all_its_results_in_order(talk):
    def steps():
        results = yield Turn([("put", {"number": number}) for number in range(20)], {"done": 1})
        return [result["number"] for result in results]

    outcome, _error, news, _unread = talk(steps())
    assert outcome == list(range(20))
    assert news == [{"done": 1}]


def test_a_turn_with_an_error_ends_when_all_have_answered(talk):
    def steps():
        with pytest.raises(WorkerError, match="No"):
            yield Turn([("put", {}), ("refused", {}), ("put", {})])
        return (yield "load", {"number": 7})["number"]

    assert talk(steps())[0] == 7


def test_a_pause_lets_others_go_on_and_counts_as_busy(process):
    order = []

    def steps(name):
        for step in range(3):
            order.append((name, step))
            yield Turn((), {})

    for name in "ab":
        Conversation(process, steps(name), lambda *_: None).start()
    assert process.is_busy
    until(lambda: not process.is_busy, process.pump)
    assert order == [(name, step) for step in range(3) for name in "ab"]


def test_news_are_told_before_the_result(talk):
    def steps():
        yield "told", {}

    assert [reply["stage"] for reply in talk(steps())[2]] == ["x"]


@pytest.mark.parametrize("turn", [("silent", {}), Turn([("silent", {}), ("silent", {})]), Turn()])
def test_a_cancel_reaches_what_is_under_way(turn, talk):
    def steps():
        yield turn

    outcome, error, _news, _unread = talk(steps(), Conversation.cancel)
    assert outcome is None
    assert error.code == "cancelled"


def test_a_result_that_comes_after_a_cancel_is_named_for_removal(process, talk):
    def steps():
        yield "fuse", {}

    def act(conversation):
        until(lambda: not process._replies.empty())
        conversation.cancel()

    _outcome, error, _news, unread = talk(steps(), act)
    assert error.code == "cancelled"
    assert [reply["file"] for reply in unread] == ["fuse"]


def test_a_result_of_what_was_abandoned_is_named_for_removal(process):
    def steps():
        yield "fuse", {}

    ended, unread = [], []
    conversation = Conversation(
        process, steps(), lambda *end: ended.append(end), None, unread.append
    ).start()
    until(lambda: not process._replies.empty())
    conversation.abandon()
    until(lambda: not process.is_busy, process.pump)
    assert [reply["file"] for reply in unread] == ["fuse"]
    assert ended == []


def test_a_cancel_before_anybody_answers_ends_at_once(process):
    def steps():
        yield "hello", {}

    ended = []
    conversation = Conversation(process, steps(), lambda *end: ended.append(end)).start()
    conversation.cancel()
    assert [error.code for _outcome, error in ended] == ["cancelled"]


def test_an_error_of_the_steps_is_told_as_it_is(talk):
    def steps():
        yield "load", {}
        raise RuntimeError("a mistake")

    assert isinstance(talk(steps())[1], RuntimeError)


def test_requests_to_a_program_that_has_ended_fail(process):
    process.stop(0)
    ended = []

    def steps():
        try:
            yield "load", {}
        except WorkerError:
            yield "load", {}

    Conversation(process, steps(), lambda *end: ended.append(end)).start()
    until(lambda: ended, process.pump)
    assert ended[0][1].code == "ended"
    assert not process.is_busy


def test_the_end_of_the_program_ends_steps_that_try_again(process):
    ended = []

    def steps():
        try:
            yield "silent", {}
        except WorkerError:
            yield "silent", {}

    Conversation(process, steps(), lambda *end: ended.append(end)).start()
    process.stop(0)
    assert ended[0][1].code == "ended"
