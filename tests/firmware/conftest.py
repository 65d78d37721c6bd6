"""Fixtures of the firmware's tests."""

from __future__ import annotations

import pytest

from tests.firmware.avr_programs import require_avr


@pytest.fixture(scope="session")
def avr() -> None:
    """Skip where the toolchain or the emulator cannot be had."""
    require_avr()
