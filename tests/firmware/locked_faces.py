"""Random faces with interlocks, and what an interlock means, written from the face alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.robot.face.actuators import to_commands
from mien.robot.face.config import FaceConfig
from mien.robot.link import protocol
from mien.robot.link.upload import upload_of

NEUTRAL = {"board": 0, "region": "mouth", "servo": "micro"}


def face_of(actuators: dict[str, dict[str, Any]], locks: list[dict[str, Any]], **more: Any) -> Any:
    """A face on one board; missing fields of its actuators are filled in."""
    base = {"kind": "rigid", "pulse_us": [1100, 1500, 1900], "speed": 20.0}
    tree = {
        "face": "locked",
        "mechanism": "locked",
        "boards": [0x40],
        "actuators": {
            name: NEUTRAL | base | {"channel": k} | fields
            for k, (name, fields) in enumerate(actuators.items())
        },
        "interlocks": [{"name": f"lock{i}"} | lock for i, lock in enumerate(locks)],
    }
    return FaceConfig.model_validate(tree | more)


def sums(face: FaceConfig, units: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each interlock adds up to (..., m) for pulses (..., n) in 0.25 us."""
    commands = to_commands(face, units / 4.0)
    terms = np.array([[k.terms.get(n, 0.0) for n in face.names] for k in face.interlocks])
    return np.asarray(commands @ terms.T)


RESOLUTION = 2  # units of a pulse, 0.5 us; stated here, not taken from what is judged
EPSILON = 1e-9  # of floats; the board's sums are whole numbers


def held(face: FaceConfig, observed: NDArray[np.int64]) -> bool:
    """No step (t, n) of the last driven pulses crosses a limit or adds to a sum above it.

    A safe pose on its limit is allowed to stand there as its pulses are rounded. The board's limit
    is then the safe pose's own sum, and holds within the resolution of a pulse.
    """
    before, after = sums(face, observed[:-1]), sums(face, observed[1:])
    limit = np.array([lock.max for lock in face.interlocks])
    safe = sums(face, np.array([c.safe for c in upload_of(face).channels]))
    least, neutral, most = face.pulses.T
    half = protocol.UNITS_PER_US * np.minimum(neutral - least, most - neutral)
    terms = np.array([[abs(k.terms.get(n, 0.0)) for n in face.names] for k in face.interlocks])
    resolution = terms @ (RESOLUTION / half)
    limit = np.where(safe > limit - resolution, np.maximum(limit, safe) + resolution, limit)
    return bool(((after <= limit + EPSILON) | (after <= before + EPSILON)).all())


@st.composite
def faces(draw: st.DrawFn, locks: int = 3) -> FaceConfig:
    """1 to 5 actuators of any kind, up to ``locks`` interlocks that the safe pose holds."""
    names = [f"a{k}" for k in range(draw(st.integers(1, 5)))]
    actuators = {name: draw(_actuator()) for name in names}
    found = []
    for _ in range(draw(st.integers(1, locks))):
        terms = draw(
            st.dictionaries(
                st.sampled_from(names),
                st.floats(-3, 3).filter(lambda c: abs(c) > 1e-3),
                min_size=1,
            )
        )
        # A tendon is at its floor at least: so much more than its safe command.
        safe = sum(c * _taut(actuators[n]) for n, c in terms.items())
        bare = sum(c * actuators[n]["safe"] for n, c in terms.items())
        slack = draw(st.sampled_from([0.0, 1e-3, 0.1, 0.7]))
        found.append({"terms": terms, "max": max(safe, bare) + slack + 1e-9})
    return face_of(actuators, found, failsafe_hold_s=draw(st.integers(0, 2)))


def _taut(actuator: dict[str, Any]) -> float:
    if actuator.get("kind") != "tendon":
        return float(actuator["safe"])
    low, neutral, high = actuator["pulse_us"]
    half = high - neutral if actuator.get("direction", 1) > 0 else neutral - low
    return float(max(actuator["safe"], actuator["floor_us"] / half))


@st.composite
def _actuator(draw: st.DrawFn) -> dict[str, Any]:
    neutral = draw(st.floats(1300, 1700))
    pulse = [neutral - draw(st.floats(60, 700)), neutral, neutral + draw(st.floats(60, 700))]
    common = {"pulse_us": pulse, "direction": draw(st.sampled_from([1, -1]))}
    common["speed"] = draw(st.floats(0.5, 50.0))
    common["idle_release_s"] = draw(st.sampled_from([0.0, 0.0, 1.0]))
    if draw(st.booleans()):
        floor = {"floor_us": draw(st.floats(0, 50)), "slack_us": draw(st.floats(0, 60))}
        return common | floor | {"kind": "tendon", "limits": [0.0, 1.0], "safe": 0.0}
    low, high = draw(st.floats(-1, 0)), draw(st.floats(0.05, 1))
    return common | {"limits": [low, high], "safe": draw(st.floats(low, high))}
