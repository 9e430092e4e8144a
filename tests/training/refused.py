"""What a command of training says when it refuses."""

from __future__ import annotations


def assert_refused(result, sentence):
    """Hold that a command ended with 2 and one sentence, which has these words."""
    assert result.exit_code == 2, result.output
    errors = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert sentence in errors[0]
