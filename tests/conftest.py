"""Fixtures that more than one test folder needs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path(os.environ.get("MACTFUSION_REFERENCE_DATA", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder with reference volumes and golden files; tests that need it skip without it."""
    if not (REFERENCE / "data").is_dir():
        pytest.skip("reference data not present (set MACTFUSION_REFERENCE_DATA)")
    return REFERENCE
