"""A real PortAudio stream without a sound card."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray

from mien.robot.live.capture.block import Block, Inbox
from mien.robot.live.capture.portaudio import restart
from mien.robot.media import audio
from tests.bench.robot.virtual_sound import INSTALL, VirtualSound, missing
from tests.robot import waiting

pytestmark = [
    pytest.mark.audio,
    pytest.mark.realtime,
    pytest.mark.skipif(bool(missing()), reason=f"no {', '.join(missing())}: {INSTALL}"),
]

TRIES, AHEAD_MS = 10, 500


@pytest.fixture(scope="module")
def sound() -> Iterator[VirtualSound]:
    with VirtualSound() as card:
        # sounddevice starts PortAudio when it is imported, and that asks for devices only once.
        restart()
        yield card


until = partial(waiting.until, seconds=60.0)


def hear(sound: VirtualSound, spoken: NDArray[np.float32]) -> list[Block]:
    """What a microphone hears while something is said, and a little longer."""
    from mien.robot.live.capture.microphone import Microphone

    inbox = Inbox(10_000)
    mic = Microphone(inbox)
    mic.start()
    heard: list[Block] = []

    def enough() -> bool:
        heard.extend(inbox.take())
        loud = [b for b in heard if np.abs(b.samples).max() > 0]
        return bool(loud) and heard[-1].t - loud[0].t > len(spoken) / audio.RATE + 0.2

    try:
        sound.play(spoken, ahead_ms=AHEAD_MS)
        assert until(enough)
    finally:
        mic.close()
    assert inbox.dropped == 0
    return heard


def test_what_is_said_is_heard_and_stamped(sound: VirtualSound) -> None:
    spoken = audio.load(audio.LJ_DEMO)[: 2 * audio.RATE]
    part = spoken[4000:28000]

    def whole_and_on_time() -> bool:
        heard = hear(sound, spoken)
        samples = np.concatenate([b.samples for b in heard])
        match = np.correlate(samples, part, "valid").argmax()
        alike = np.corrcoef(samples[match : match + len(part)], part)[0, 1]
        # A callback that begins late has a late stamp, and the audio clock smooths it.
        stamps = np.array([b.t for b in heard])
        counted = np.cumsum([0, *(len(b.samples) for b in heard[:-1])]) / audio.RATE
        began = stamps - counted
        return bool(alike > 0.95 and np.median(np.abs(began - np.median(began))) < 0.02)

    # The sound server has holes of its own while it is kept off the CPU, which is not always so.
    assert any(whole_and_on_time() for _ in range(TRIES))


def test_a_microphone_pulled_out_comes_back(sound: VirtualSound) -> None:
    from mien.robot.live.capture.microphone import Microphone

    spoken = audio.load(audio.LJ_DEMO)
    inbox = Inbox(10_000)
    mic = Microphone(inbox)
    mic.start()
    try:
        assert until(lambda: bool(inbox.take()))
        sound.unplug()  # the server may end the stream or feed it from another source
        sound.plug()
        sound.play(spoken)
        assert until(lambda: any(np.abs(b.samples).max() > 0.1 for b in inbox.take()))
        assert until(lambda: mic.present)
    finally:
        mic.close()


@pytest.mark.usefixtures("sound")
def test_the_monitor_outlives_a_microphone_that_is_lost() -> None:
    from mien.robot.live.capture.microphone import Microphone
    from mien.robot.live.monitor import Monitor

    inbox = Inbox(10_000)
    mic, monitor = Microphone(inbox), Monitor()
    mic.start()
    monitor.start()
    try:
        assert until(lambda: monitor.played > 50)
        mic.drop()  # and PortAudio is started anew to find it again, which ends all streams
        assert until(lambda: monitor.opened > 1)
        inbox.take()
        assert until(lambda: mic.present and bool(inbox.take()))
        before = monitor.played
        assert until(lambda: monitor.played > before + 50)
    finally:
        mic.close()
        monitor.close()
