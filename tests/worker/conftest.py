"""Worker processes that end with the tests."""

from __future__ import annotations

import pytest
from worker_process import Worker


@pytest.fixture
def start(tmp_path_factory):
    """Start a worker of the test's own."""
    started = []

    def start(*arguments, before=""):
        started.append(Worker(tmp_path_factory.mktemp("temporary"), *arguments, before=before))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    """One worker for the tests of a file that leave it as it was."""
    shared = Worker(tmp_path_factory.mktemp("temporary"))
    shared.hello()
    yield shared
    shared.close()
