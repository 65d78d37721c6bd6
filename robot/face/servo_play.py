"""Play of servos: within it a command turns nothing, so each reversal is led by as much.

A hobby servo rests within its dead band, and its gear has backlash: a horn stops short of its
command, on the side that it comes from. Small turns of a head are lost in it whole. The inverse of
the play operator (Krejci and Kuhnen 2001, see ``models.self_model.hysteresis``) gives them back.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.robot.face.config import FaceConfig, Floats

PLAY_US: Final = 4.0
"""Half of the play that is led where a servo has no ``play_us``, in us of pulse. Data sheets of
hobby servos give dead bands of 3 to 10 us, to which backlash adds. With less the rest of the error
stays; more would shake the horn."""
TURN_SHARE: Final = 0.2
"""Share of it by which a command must come back before it counts as a reversal; noise does not."""


class ServoPlay:
    """Leads the commands of one face by ``play_us`` of its servos, frame after frame, from neutral.

    Tendons are left as they are: the self-model has learned their play.

    Args:
        face: the face.
    """

    def __init__(self, face: FaceConfig) -> None:
        low, neutral, high = face.pulses.T
        own = [a.play_us for a in face.actuators.values()]
        play = np.array([PLAY_US if us is None else us for us in own])
        lead = play / np.maximum(high - neutral, neutral - low)
        self._lead = np.where(face.has_hysteresis, 0.0, lead)
        self._low, self._high = face.limits.T
        self._seen, self._side = np.zeros_like(self._lead), np.zeros_like(self._lead)

    def __call__(self, commands: Floats) -> Floats:
        """Commands (n,) -> commands (n,) after which the horns stand where those were."""
        share = TURN_SHARE * self._lead
        self._side[commands > self._seen + share] = 1.0
        self._side[commands < self._seen - share] = -1.0
        self._seen = np.clip(self._seen, commands - share, commands + share)
        return np.asarray(np.clip(commands + self._side * self._lead, self._low, self._high))


def led(face: FaceConfig, commands: Floats) -> Floats:
    """Commands (T, n) of a whole take, led from neutral."""
    return np.array(list(map(ServoPlay(face), commands)))
