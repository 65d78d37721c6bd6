"""A rendered head at rest, and a tracker that knows it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.models.vision.face_tracker import FaceTracker
from mien.robot.errors import DeviceError
from mien.robot.sim.head import Head, load_head
from mien.robot.sim.render import CameraView, Renderer
from mien.robot.sim.skin import Skin
from tests.lacking import skip
from tests.robot.sim.skins import nodes

F64 = NDArray[np.float64]
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def head() -> Head:
    return load_head()


@pytest.fixture(scope="module")
def renderer(head: Head) -> Iterator[Renderer]:
    try:
        with Renderer(head, 640, 480) as renderer:
            yield renderer
    except DeviceError as error:
        skip(error)


@pytest.fixture(scope="module")
def neutral(renderer: Renderer) -> Picture:
    return renderer.render()


@pytest.fixture(scope="module")
def skin(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Skin:
    return Skin(head, nodes(head), cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def tracker(head: Head) -> Iterator[FaceTracker]:
    with FaceTracker(head.neutral_landmarks, fov_deg=CameraView().fov_deg) as tracker:
        yield tracker
