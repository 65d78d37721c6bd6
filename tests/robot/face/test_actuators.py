import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mien.robot.face.actuators import to_commands, to_pulses
from mien.robot.face.config import Floats, load_face

FACE = load_face("morpheus33")
N = len(FACE.names)


@given(arrays(np.float64, N, elements=st.floats(-1, 1)))
def test_pulses_and_commands_undo_each_other(commands: Floats) -> None:
    np.testing.assert_allclose(to_commands(FACE, to_pulses(FACE, commands)), commands, atol=1e-9)


@given(arrays(np.float64, N, elements=st.floats(-1, 1)))
def test_no_command_in_range_leaves_the_pulse_range(commands: Floats) -> None:
    pulses = to_pulses(FACE, commands)
    assert np.all(pulses >= FACE.pulses[:, 0])
    assert np.all(pulses <= FACE.pulses[:, 2])


def test_neutral_and_ends_are_those_of_the_file_mirrored_by_direction() -> None:
    left, right = FACE.index("lid_upper_left"), FACE.index("lid_upper_right")
    assert FACE.direction[left] == 1
    assert FACE.direction[right] == -1
    np.testing.assert_array_equal(to_pulses(FACE, np.zeros(N)), FACE.pulses[:, 1])
    top = to_pulses(FACE, np.ones(N))
    assert top[left] == FACE.pulses[left, 2]
    assert top[right] == FACE.pulses[right, 0]


def test_a_whole_clip_is_mapped_like_each_of_its_poses() -> None:
    clip = np.random.default_rng(0).uniform(-1, 1, (5, N))
    np.testing.assert_array_equal(to_pulses(FACE, clip)[3], to_pulses(FACE, clip[3]))
