"""What the browser tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.robot.browser import Browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made
