"""The pose that was chosen last on the rig's view, by hand or by name."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final

import numpy as np

from mien.models.face.emotion import EMOTIONS
from mien.robot.panel.messages import Send, SetPose
from mien.robot.viewer.presets import Presets

REST: Final = EMOTIONS[0]


@dataclass(frozen=True)
class Choice:
    """A pose as commands, and the preset that it came from; empty when it was set by hand."""

    pose: tuple[float, ...]
    preset: str
    strength: float


class Chosen:
    """Tells the loop what was chosen. Nothing here blocks.

    A preset takes a tenth of a second to work out and does it in a thread of its own. What is
    chosen meanwhile wins over it, so that a slider that is drawn leaves no queue behind.

    Args:
        send: sends the pose to the loop.
    """

    def __init__(self, presets: Presets, actuators: int, send: Send) -> None:
        self._presets, self._send = presets, send
        self._neutral = (0.0,) * actuators
        self._asked: tuple[str, float] | None = None
        self._changed = Condition()
        self.current = Choice(self._neutral, REST, 1.0)
        Thread(target=self._run, name="presets", daemon=True).start()

    def by_hand(self, pose: tuple[float, ...]) -> None:
        """Commands of all actuators."""
        with self._changed:
            self._asked = None
            self._take(Choice(pose, "", self.current.strength))

    def neutral(self) -> None:
        """All commands 0."""
        with self._changed:
            self._asked = None
            self._take(Choice(self._neutral, REST, self.current.strength))

    def by_name(self, preset: str, strength: float) -> None:
        """One of ``Presets.names``, as soon as it is worked out."""
        with self._changed:
            self._asked = (preset, strength)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked is not None)
                assert self._asked is not None
                asked = self._asked
            pose = self._presets.pose(*asked)
            with self._changed:
                if self._asked is asked:
                    self._asked = None
                    self._take(Choice(tuple(np.asarray(pose).tolist()), *asked))

    def _take(self, choice: Choice) -> None:
        self.current = choice
        self._send(SetPose(list(choice.pose)))
