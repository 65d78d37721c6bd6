import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from mien.robot.errors import DeviceError, InputError
from mien.robot.expression.attention import Person
from mien.robot.live.jitter_buffer import CommandFrame
from mien.robot.live.people import PeopleSetup, PeopleSource, parse_source, reader
from mien.robot.puppet.osc import message
from mien.robot.puppet.people import ADDRESS, PORT
from tests.robot.live.stage import Stage
from tests.robot.waiting import until


def test_a_source_is_named_and_anything_else_refused() -> None:
    assert parse_source("camera").camera == "0"
    assert parse_source("camera:2").camera == "2"
    assert parse_source("osc") == PeopleSetup(port=PORT)
    assert parse_source("osc:4000").port == 4000
    for text in ("", "cam", "osc:0", "osc:x", "osc:99999", "osc:-1", "OSC"):
        with pytest.raises(InputError, match="--attend"):
            parse_source(text)


def test_people_sent_to_the_port_are_read_once() -> None:
    with PeopleSource(PeopleSetup(port=0)) as source:
        read = reader(source.memory)
        assert read() is None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(message(ADDRESS, 4, 12.0, 3.0, 1.5), ("127.0.0.1", source.port))
            sender.sendto(b"rubbish!", ("127.0.0.1", source.port))
        assert until(lambda: read() == (Person(4, 12.0, 3.0, 1.5),), 100.0)
        assert read() is None
        assert until(lambda: source.report()["refused"] == 1, 100.0)
        assert source.report()["alive"]
    assert not source.report()["alive"]


def test_a_camera_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no camera"):
        PeopleSource(PeopleSetup(camera=str(tmp_path / "video9")))


def test_a_camera_that_goes_and_comes_back_never_ends_the_observer(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    noise = ["-f", "lavfi", "-i", "testsrc=duration=0.8:size=320x240:rate=10", str(film)]
    subprocess.run([get_ffmpeg_exe(), "-v", "error", *noise], check=True)
    with PeopleSource(PeopleSetup(camera=str(film))) as source:
        read = reader(source.memory)
        assert until(lambda: read() == (), 100.0)  # nobody is there
        assert until(lambda: source.report()["observations"] >= 3, 100.0)
        film.rename(tmp_path / "away.mp4")
        assert not until(lambda: not source.report()["alive"], 4.0)
        seen = source.report()["observations"]
        (tmp_path / "away.mp4").rename(film)
        assert until(lambda: source.report()["observations"] > seen, 100.0)


def test_a_file_that_is_no_film_is_said(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(os.urandom(1000))
    with pytest.raises(DeviceError, match="no picture"):
        PeopleSource(PeopleSetup(camera=str(film)))


def test_a_person_to_look_at_keeps_the_face_awake_and_wakes_it() -> None:
    stage = Stage()
    began = stage.clock.now()
    stage.voice.speaks = lambda t: t - began < 1.0
    poll = stage.voice.poll

    def attended(now: float) -> list[CommandFrame]:
        there = now - began < 5.0 or 9.0 < now - began < 10.0
        return [replace(frame, followed=3 if there else None) for frame in poll(now)]

    stage.voice.poll = attended  # type: ignore[method-assign]
    live = stage.face(11.0, idle_s=2.0)
    live.run()
    driven = np.array([t for t, _ in stage.line.driven]) - began
    assert ((driven > 4.0) & (driven < 6.0)).any()
    assert not ((driven > 8.5) & (driven < 9.0)).any()
    assert ((driven > 9.5) & (driven < 11.0)).any()
    assert live.meters()["followed"] is None
