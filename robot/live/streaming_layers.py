"""Speech, emotion and life composed frame by frame, for a voice that has no end yet.

The layers are those of ``robot/expression``. Two parts that need a whole clip there are replaced.
Stress comes from a causal level. Life is linear in the stress and is drawn ten seconds ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mien.models.face.blendshapes import FPS, INDEX
from mien.models.face.emotion import EMOTIONS, TIMINGS, mix
from mien.models.face.minimum_jerk import minimum_jerk
from mien.models.fusion.rules import Fusion
from mien.robot.expression import attention, gaze
from mien.robot.expression.attention import Attention, Person
from mien.robot.expression.emotion.track import EmotionSamples, EmotionTrack
from mien.robot.expression.eyes import LOOKS, look
from mien.robot.expression.gaze import Aim, Gaze
from mien.robot.expression.layers import compose, excitement, fusion
from mien.robot.expression.life import BROWS, Glance, Habits, Life
from mien.robot.expression.voice_style import LiveStyle
from mien.robot.face.config import Floats

if TYPE_CHECKING:
    from mien.robot.live.manner import MannerLayer

CHUNK_S: Final = 10
LIFE_S: Final = 60
FADE_S: Final = 6
OPERATOR_S: Final = 4.0
"""Time in s for which the operator's gaze target goes before people."""
_OTHER_RATE: Final = 0.1
"""Change of the logarithm of the blink rate from which blinks are drawn anew."""
_FAST_S: Final = 0.06
_SLOW_S: Final = 0.9


@dataclass
class Stress:
    """Vocal stress, 0 to 1: the level above its own slow mean, without look-ahead."""

    fast: float = -70.0
    slow: float = -70.0

    def push(self, level_db: float, gate: float, dt: float = 1 / FPS) -> float:
        """Level in dB and voice gate 0..1 of one frame -> stress."""
        level = max(level_db, -70.0)
        self.fast += (level - self.fast) * min(1.0, dt / _FAST_S)
        self.slow += (level - self.slow) * min(1.0, dt / _SLOW_S)
        return float(np.clip((self.fast - self.slow) / 10.0, 0.0, 1.0)) * gate


@dataclass
class ManualEmotion:
    """An emotion set by hand. It changes at the onset and offset rates of the emotions."""

    mix: Floats
    rank: int = 0

    def sample(self, t: Floats) -> EmotionSamples:
        """The same emotion in every region and at every time."""
        out = EmotionSamples.nothing(len(t))
        out.mix[:] = self.mix
        out.presence[:] = 1.0
        return out

    def approach(self, goal: Floats, dt: float) -> None:
        """Move the intensities (8,) toward ``goal`` (8,) by one step of ``dt`` s."""
        onset = np.array([TIMINGS[name].onset_s for name in EMOTIONS])
        offset = np.array([TIMINGS[name].offset_s for name in EMOTIONS])
        step = goal - self.mix
        self.mix = self.mix + np.clip(step, -dt / offset, dt / onset)


class LiveExpression:
    """Expression of one face, frame by frame.

    Args:
        seed: seed of blinks, gaze and head motion.
        amount: amount of life, 0 none to 1 lively.
        fuse: blends emotion and speech; None takes the first of ``layers.FUSIONS``.
        head_gain: factor of the motion of the head, 0 to 2.
        people: the people of a new observation, or None; called once a frame. None attends nobody.
        style: of the voice, whose habits brows, head and lids have.
        manner: brows and head in place of those of life, or None.

    Attributes:
        attention: whom the face looks at.
    """

    def __init__(
        self,
        seed: int = 0,
        amount: float = 1.0,
        fuse: Fusion | None = None,
        head_gain: float | tuple[float, float, float] = 1.0,
        people: Callable[[], tuple[Person, ...] | None] | None = None,
        style: LiveStyle | None = None,
        manner: MannerLayer | None = None,
    ) -> None:
        self._life = Life(seed, amount, head_gain)
        self._style, self._habits = style or LiveStyle(), Habits()
        self._fuse = fuse or fusion()
        self._manual = ManualEmotion(np.zeros(len(EMOTIONS)))
        self._emotion_track = EmotionTrack((self._manual,))
        self._goal = np.zeros(len(EMOTIONS))
        self._stress = Stress()
        self._chunk = -1
        self._weights = np.zeros((2, 0, len(INDEX)), np.float32)
        self._head = np.zeros((2, 0, 3))
        self._k = 0
        self._people, self.attention = people, Attention()
        self._manner = manner
        self._gaze = Gaze()
        self._glance: Glance | None = None

    def set_emotion(self, intensities: dict[str, float]) -> None:
        """Set the emotion: intensities in 0..1 by name. Emotions that are not named fade out."""
        self._goal = mix(intensities)

    def set_gaze(self, yaw: float, pitch: float) -> None:
        """Set the gaze target: eyeLook weights in -1..1."""
        self._glance = Glance(
            self._k / FPS, float(np.clip(yaw, -1, 1)), float(np.clip(pitch, -1, 1))
        )

    def set_style(self, name: str) -> None:
        """Go over to a learned style, as ``LiveStyle.choose``."""
        self._style.choose(name)

    def frame(
        self, spoken: NDArray[np.float32], level_db: float, gate: float
    ) -> tuple[NDArray[np.float32], Floats]:
        """Compose one frame, 1/60 s after the last.

        Args:
            spoken: (52,) speech shapes.
            level_db: sound level in dB re full scale.
            gate: voice activity, 0 to 1.

        Returns:
            Weights (52,) in 0..1, and neck commands (3,) yaw, pitch, roll in -1..1.
        """
        t = np.array([self._k / FPS])
        self._manual.approach(self._goal, 1 / FPS)
        press = self._stress.push(level_db, gate)
        mixed = self._manual.mix[None]
        self._habits = self._style.step(self._manual.mix)
        living, head = self._alive(press)
        living[BROWS] *= self._habits.brows
        if self._manner is not None:
            head = self._manner.frame(level_db, gate, living, self._habits.brows)
        head = head * self._habits.head
        turn = self._looked(gate, living)
        alive = living[None], excitement(mixed)[:, None] * head[None]
        # There is no emotion most of the time. The track then computes no shapes.
        emotional = mixed.any()
        shapes = self._emotion_track.shapes(t) if emotional else np.zeros((1, len(INDEX)))
        spoken, gates, gain = spoken[None], np.array([gate]), self._life.head_gain
        weights, neck = compose(spoken, gates, shapes, mixed, alive, self._fuse, gain, turn)
        self._k += 1
        return weights[0], neck[0]

    def _looked(self, gate: float, living: Floats) -> Floats:
        """Write the gaze into the weights (52,). Returns the head's turn (1, 2) in degrees."""
        t = self._k / FPS
        if self._people is not None:
            self.attention = attention.attend(self.attention, t, self._people(), self._life.seed)
        self._gaze = gaze.step(self._gaze, t, gate, self._aim(t), self._life.style)
        yaw, pitch = self._gaze.at
        living[LOOKS] = look(np.array([yaw]), np.array([pitch]))[0]
        return np.array([self._gaze.turn])

    def _aim(self, t: float) -> Aim | None:
        person, point = attention.aim(self.attention), self._glance
        if point is not None and (person is None or t - point.t < OPERATOR_S):
            return point.aim
        return person

    def _alive(self, press: float) -> tuple[Floats, Floats]:
        chunk, at = divmod(self._k, CHUNK_S * FPS)
        if chunk != self._chunk:
            self._chunk = chunk
            self._weights, self._head = self._drawn(chunk)
        mixing = np.array([1.0 - press, press])
        return mixing @ self._weights[:, at], mixing @ self._head[:, at]

    def _drawn(self, chunk: int) -> tuple[NDArray[np.float32], Floats]:
        """Life of ten seconds for stress 0 and 1: weights (2, T, 52), head (2, T, 3).

        The cost of drawing grows with the length, so a new one begins every minute and is faded in.
        """
        minute, within = divmod(chunk, LIFE_S // CHUNK_S)
        before, rate = self._life, self._habits.blinks
        if chunk <= 0 or abs(np.log(rate / before.habits.blinks)) > _OTHER_RATE:
            self._life = replace(before, habits=Habits(blinks=rate))
        now = self._life
        weights, head = self._life_of(now, minute, within * CHUNK_S)
        if chunk > 0 and (within == 0 or before != now):
            u = np.clip(np.arange(CHUNK_S * FPS) / (FADE_S * FPS), 0.0, 1.0)[:, None]
            share = minimum_jerk(u)
            old = (minute - 1, LIFE_S) if within == 0 else (minute, within * CHUNK_S)
            old_weights, old_head = self._life_of(before, *old)
            weights = (old_weights + share * (weights - old_weights)).astype(np.float32)
            head = old_head + share * (head - old_head)
        return weights, head

    def _life_of(self, life: Life, minute: int, start_s: int) -> tuple[NDArray[np.float32], Floats]:
        life = replace(life, seed=life.seed + minute)
        t = start_s + np.arange(CHUNK_S * FPS) / FPS
        ends = (np.zeros(len(t)), np.ones(len(t)))
        return np.stack([life.lids_and_brows(t, s) for s in ends]), np.stack(
            [life.head(t, s) for s in ends]
        )
