"""``mien sim``: what may be asked, the film, and the view, without and with a real browser."""

import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from matplotlib.image import imread

from models.blendshapes import ARKIT
from models.emotion import EMOTIONS
from robot.calibrated import Calibrated
from robot.config import FaceConfig, load_face
from robot.errors import DeviceError, InputError, MienError
from robot.link.board import Board
from robot.loop import Loop, Tick
from robot.panel.process import PanelProcess, Window
from robot.safety import Limiter
from robot.sim.board import SimBoard
from robot.sim.rig import Rig
from robot.sim.show.film import check, shoot
from robot.sim.show.panel import TAUT_N, bars, dots, heat, marks, outside
from robot.sim.show.presets import Presets
from robot.sim.show.programme import Programme, timed, whole
from robot.sim.show.verb import sim
from robot.sim.show.view import Effort, ViewProcess, Wish, run
from robot.stopping import Stop
from tests.robot import waiting
from tests.robot.browser import CHROMIUM, Browser

FACE = load_face("morpheus33")
N = len(FACE.names)
STRINGS = ("cheek_left", "cheek_right", "nose_left", "nose_right")
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install chromium")


def test_exactly_one_of_view_and_render(tmp_path: Path) -> None:
    for options in ({}, {"view": True, "render": tmp_path / "a.mp4"}):
        with pytest.raises(InputError, match=r"--view.*--render"):
            sim(**options)


def test_bad_options_are_said_before_anything_moves(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mp4"):
        check(tmp_path / "film.gif")
    with pytest.raises(InputError, match="no folder"):
        check(tmp_path / "missing" / "film.mp4")
    with pytest.raises(InputError, match="no kind"):
        sim(render=tmp_path / "a.mp4", fault=["tired:jaw_open"])
    with pytest.raises(DeviceError, match="needs a token") as caught:
        sim(view=True, host="0.0.0.0")
    assert caught.value.hint.startswith("--token")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_the_programme_moves_every_actuator_to_its_ends_and_stays_inside(name: str) -> None:
    face = load_face(name)
    programme = whole(face, Presets(Calibrated(face)))
    t = np.arange(0.0, programme.seconds, 1 / 60)
    poses = np.array([programme.commands(x) for x in t])
    low, high = face.limits.T
    assert (poses >= low - 1e-9).all()
    assert (poses <= high + 1e-9).all()
    np.testing.assert_allclose(poses.max(0), high, atol=1e-3)
    np.testing.assert_allclose(poses.min(0), low, atol=1e-3)
    limit = Limiter(face)
    for before, after in pairwise(poses):
        assert not limit(after, before, 1 / 60).slowed.any()
    labels = {s.label for s in programme.stations}
    assert set(EMOTIONS[1:]) < labels
    np.testing.assert_array_equal(programme.commands(programme.seconds + 1.0), 0.0)


@pytest.mark.parametrize("name", ["morpheus33", "hobby9"])
def test_presets_are_poses_of_this_face(name: str) -> None:
    face = load_face(name)
    presets = Presets(Calibrated(face))
    assert len(presets.names) == len(EMOTIONS) + len(ARKIT)
    for preset in ("happiness", "jawOpen", "mouthClose", "eyeBlinkLeft"):
        pose = presets.pose(preset)
        assert pose.shape == (len(face.names),)
        assert (pose >= face.limits[:, 0] - 1e-9).all()
        assert (pose <= face.limits[:, 1] + 1e-9).all()
        assert np.abs(pose).max() > 0.2
    jaw = face.index("jaw_open")
    assert presets.pose("jawOpen")[jaw] > presets.pose("jawOpen", 0.4)[jaw] > 0.05
    with pytest.raises(ValueError, match="smirk"):
        presets.pose("smirk")


@pytest.mark.gl
def test_a_short_programme_is_a_film_that_plays(tmp_path: Path) -> None:
    pose = np.zeros(N)
    pose[FACE.index("jaw_open")] = 1.0
    programme = Programme(FACE, timed(FACE, [("jaw_open", pose, 0.2), ("rest", 0 * pose, 0.0)]))
    count = shoot(FACE, Rig(FACE), programme, tmp_path / "a.mp4", 128)
    raw = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(tmp_path / "a.mp4"),
            "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
        ],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, 128, 128, 3).astype(int)
    assert len(pictures) == count > 20
    assert abs(count - 30 * programme.seconds) <= 2
    mouth = [p[70:110, 44:84] for p in pictures]
    moved = [np.abs(m - mouth[0]).mean() for m in mouth]
    assert max(moved) > 4.0 * moved[1] + 2.0


def test_a_wish_takes_poses_and_nothing_else() -> None:
    wish = Wish(FACE)
    asked = np.linspace(-1, 1, N)
    np.testing.assert_array_equal(wish.hear([("pose", asked.tolist())]), asked)
    bad = [("estop",), ("pose", [0.0]), ("pose", [float("nan")] * N)]
    np.testing.assert_array_equal(wish.hear(bad), asked)


def follow(face: FaceConfig, messages: list[Any], seconds: float) -> tuple[Rig, list[Tick], Any]:
    """The view's loop in lock-step; what it says at the end, before it goes to rest."""
    rig = Rig(face)
    line = SimBoard(rig)
    board, wish, effort = Board(face, line, line.now), Wish(face), Effort(rig)
    ticks: list[Tick] = []
    last: list[Any] = [None]

    def observe(tick: Tick) -> None:
        ticks.append(tick)
        last[0] = {**effort.state(), "skin": rig.skin_state()}

    def commands(t: float) -> Any:
        if ticks and t > seconds:
            return None
        return wish.hear(messages if len(ticks) > 20 else [])

    board.connect()
    Loop(face, board, line, observe).follow(commands)
    assert not line.powered.any()  # released
    return rig, ticks, last[0]


def test_in_lock_step_a_pose_is_ramped_and_its_effort_seen() -> None:
    pose = np.zeros(N)
    for name in STRINGS:
        pose[FACE.index(name)] = 1.0
    rig, ticks, state = follow(FACE, [("pose", pose.tolist())], 2.0)
    sent = np.array([t.sent for t in ticks])
    steps = np.abs(np.diff(sent, axis=0))
    assert (steps <= FACE.speed / 60 + 1e-9).all()
    assert any(t.slowed.any() for t in ticks)
    np.testing.assert_allclose(sent[-1], pose, atol=1e-9)
    assert set(state["tension"]) == set(STRINGS)
    assert all(0.5 < newton < TAUT_N for newton in state["tension"].values())
    assert state["strings"].shape == (4, 2, 3)
    ends = np.linalg.norm(state["strings"][:, 0] - state["strings"][:, 1], axis=1)
    assert ((ends > 5.0) & (ends < 60.0)).all()
    load = state["load"]
    assert load.shape == (N,)
    assert (load <= 1.0 + 1e-6).all()
    pulling = [FACE.index(n) for n in STRINGS]
    assert load[pulling].min() > np.median(load)
    assert max(rig.tensions().values()) < 0.2  # at rest again


def test_colours_and_bars_say_how_much() -> None:
    colors = heat(np.array([0.0, 0.5, 1.0, 7.0])).astype(int)
    assert colors[0, 2] > colors[0, 0]
    assert colors[2, 0] > 200 > 60 > colors[2, 1]
    np.testing.assert_array_equal(colors[2], colors[3])
    text = bars(FACE, np.zeros(N), np.full(N, 0.25), {"cheek_left": 1.5})
    assert text.count("width:25%") == N
    assert "1.50" in text
    assert all(name in text for name in FACE.names)


def test_markers_sit_where_actuators_move_the_face() -> None:
    model = Calibrated(FACE).model
    at = marks(FACE, model.landmarks)
    neutral = model.landmarks(np.zeros(N))
    assert at[FACE.index("neck_yaw")] == -1
    assert (
        neutral[at[FACE.index("brow_mid_left")]][0] > 0 > neutral[at[FACE.index("nose_right")]][0]
    )
    assert neutral[at[FACE.index("brow_mid_left")]][1] > neutral[at[FACE.index("jaw_open")]][1]


def test_dots_and_markers_lie_where_they_should() -> None:
    ends = np.array([[[0.0, 0.0, 0.0], [10.0, 0.0, 0.0]], [[0.0, 5.0, 0.0], [0.0, 5.0, 9.0]]])
    points = dots(ends)
    assert points.shape == (80, 3)
    np.testing.assert_allclose(points[[0, 39, 40, 79]], ends.reshape(4, 3))
    np.testing.assert_allclose(outside(np.array([[0.0, 7.0, 20.0]])), [[0.0, 7.0, 26.0]])


until = partial(waiting.until, seconds=40.0)


class Unseen(PanelProcess):
    """A view without a browser: asks for one pose, and keeps what it is shown."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.shown: list[Any] = []
        self.closed = False

    def start(self) -> str:
        return "nowhere"

    def commands(self) -> list[tuple[Any, ...]]:
        pose = np.zeros(N)
        pose[FACE.index("jaw_open")] = 0.5
        return [("pose", pose.tolist())]

    def show(self, t: float, tick: Tick, state: dict[str, Any]) -> None:
        self.shown.append((t, tick, state))

    def close(self) -> None:
        self.closed = True


def test_paced_to_the_clock_it_follows_the_view_and_lets_go_at_the_end() -> None:
    views: list[Unseen] = []

    def made(window: Window) -> Unseen:
        views.append(Unseen(window))
        return views[0]

    said: list[str] = []
    run(Window("morpheus33", port=0), (), Stop(1.0), said.append, made)
    (view,) = views
    assert said == ["nowhere"]
    jaw = FACE.index("jaw_open")
    assert view.shown[-1][1].sent[jaw] == pytest.approx(0.5)
    assert view.shown[-1][2]["load"].shape == (N,)
    assert view.closed
    rig = view._skin.__self__  # type: ignore[attr-defined]
    assert abs(rig.servo_angles()[jaw]) < 0.05  # back at rest
    assert not rig.machine.model.actuator_gainprm[:, 0].any()  # and without power


@pytest.fixture
def served() -> Iterator[tuple[ViewProcess, str]]:
    view = ViewProcess(Window("morpheus33", port=0))
    yield view, view.start()
    view.close()


def forehead(page: Browser, path: Path) -> float:
    """How much redder than blue the forehead is in a new screenshot, 0..1."""
    page.screenshot(path)
    red, _, blue = imread(path)[140:220, 500:640, :3].mean((0, 1))
    return float(red - blue)


@needs_browser
def test_the_view_in_a_browser(served: tuple[ViewProcess, str], tmp_path: Path) -> None:
    view, address = served
    pose = np.zeros(N)
    pose[FACE.index("jaw_open")] = 0.8
    for name in STRINGS:
        pose[FACE.index(name)] = 1.0
    _, pulled, state = follow(FACE, [("pose", pose.tolist())], 2.0)
    skin = state.pop("skin")
    view.watch(lambda: skin)
    heard: list[Any] = []
    with Browser() as page:
        page.open(address)
        assert page.wait_for("NEUTRAL")
        page.js("[...document.querySelectorAll('input')].find(e => e.value === 'neutral').click()")
        assert page.wait_for("happiness")
        page.click("happiness")
        smile: list[Any] = []
        assert until(lambda: bool(smile.extend(view.commands()) or smile))
        asked = Presets(Calibrated(FACE)).pose("happiness")
        np.testing.assert_allclose(smile[-1][1], asked, atol=1e-9)
        start = time.monotonic()

        def shown() -> bool:
            page.click("Loads")  # again and again: a busy machine may not have drawn the tab yet
            heard.extend(view.commands())
            view.show(time.monotonic() - start, pulled[-1], state)
            return "string tension" in page.text()

        assert until(shown)
        assert f"{state['tension']['cheek_left']:.2f}" in page.text()
        before = forehead(page, tmp_path / "sim.png")
        page.js(
            "[...document.querySelectorAll('input[type=checkbox]')]"
            ".find(e => e.getBoundingClientRect().width > 0).click()"
        )
        page.click("Actuators")
        assert page.wait_for("jaw_open")
        page.click("NEUTRAL")
        assert until(lambda: ("pose", [0.0] * N) in view.commands())
        # Through a faded skin the white background shows.
        assert until(lambda: forehead(page, tmp_path / "faded.png") < 0.8 * before)
    picture = imread(tmp_path / "sim.png")[..., :3]
    middle = picture[300:560, 480:660].reshape(-1, 3)
    assert (middle[:, 0] > middle[:, 2]).mean() > 0.6  # skin, not the empty background


def test_a_port_that_is_taken_is_said() -> None:
    import socket

    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        view = ViewProcess(Window("morpheus33", host="0.0.0.0", port=port, token="sesame-open"))
        try:
            with pytest.raises(MienError):
                view.start()
        finally:
            view.close()


def test_the_view_opens_on_a_face_without_strings_whose_every_actuator_shows() -> None:
    words = ["sim", "--view", "--face", "hobby9", "--seconds", "1", "--port-number", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "robot.cli", *words], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:" in done.stdout + done.stderr
