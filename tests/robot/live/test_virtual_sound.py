"""A real PortAudio stream without a sound card."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from robot import audio
from robot.live.ears.block import Block, Inbox
from robot.live.virtual_sound import VirtualSound, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"no {', '.join(missing())}")


@pytest.fixture(scope="module")
def sound() -> Iterator[VirtualSound]:
    with VirtualSound() as card:
        # sounddevice starts PortAudio when it is imported, and that asks for devices only once.
        sd = pytest.importorskip("sounddevice")
        sd._terminate()
        sd._initialize()
        yield card


def until(done: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for something to happen; seconds are a limit, not a measurement."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.02)
    return False


def test_what_is_said_is_heard_and_stamped(sound: VirtualSound) -> None:
    from robot.live.ears.microphone import Microphone

    spoken = audio.load(audio.LJ_DEMO)[: 2 * audio.RATE]
    inbox = Inbox(10_000)
    mic = Microphone(inbox)
    mic.start()
    heard: list[Block] = []
    try:
        sound.play(spoken)

        def enough() -> bool:
            heard.extend(inbox.take())
            loud = [b for b in heard if np.abs(b.samples).max() > 0]
            return bool(loud) and heard[-1].t - loud[0].t > 2.2

        assert until(enough)
    finally:
        mic.close()
    samples = np.concatenate([b.samples for b in heard])
    part = spoken[8000:16000]
    match = np.correlate(samples, part, "valid").argmax()
    assert np.corrcoef(samples[match : match + len(part)], part)[0, 1] > 0.95
    times = np.array([b.t for b in heard])
    assert (np.diff(times) > 0).all()
    assert abs(times[-1] - time.monotonic()) < 5.0


def test_a_microphone_pulled_out_comes_back(sound: VirtualSound) -> None:
    from robot.live.ears.microphone import Microphone

    inbox = Inbox(10_000)
    mic = Microphone(inbox)
    mic.start()
    try:
        assert until(lambda: bool(inbox.take()))
        sound.unplug()
        assert until(lambda: mic.lost == 1 and not mic.present)
        inbox.take()
        sound.plug()
        assert until(lambda: bool(inbox.take()))
        assert until(lambda: mic.present)
    finally:
        mic.close()
