import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc import osc_message
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from mien.models.face.blendshapes import ARKIT, INDEX
from mien.robot.media.livelink_takes import ROTATIONS
from mien.robot.puppet.livelink_udp import MalformedError
from mien.robot.puppet.osc import OscMessage, VmcFace, VmcShapes, decode, encode


def through(weights: np.ndarray, rotations: np.ndarray) -> VmcFace:
    gather, faces = VmcShapes(), []
    for packet in encode(1.5, weights, rotations):
        faces += [f for m in decode(packet) if (f := gather.take(m)) is not None]
    assert len(faces) == 1
    return faces[0]


@pytest.mark.parametrize("name", ARKIT)
def test_each_shape_alone_survives_by_name(name: str) -> None:
    weights = np.zeros(52, np.float32)
    weights[INDEX[name]] = 0.75
    face = through(weights, np.zeros(9, np.float32))
    np.testing.assert_array_equal(face.weights, weights)


@pytest.mark.parametrize("axis", ["HeadYaw", "HeadPitch", "HeadRoll"])
def test_each_turn_of_the_head_survives(axis: str) -> None:
    rotations = np.zeros(9, np.float32)
    rotations[ROTATIONS.index(axis)] = 0.4
    face = through(np.zeros(52, np.float32), rotations)
    np.testing.assert_allclose(face.rotations, rotations, atol=1e-5)


def test_a_head_turned_to_its_left_looks_along_unitys_minus_x() -> None:
    from scipy.spatial.transform import Rotation

    rotations = np.zeros(9, np.float32)
    rotations[ROTATIONS.index("HeadYaw")] = 0.5
    head = next(
        m
        for p in encode(0.0, np.zeros(52, np.float32), rotations)
        for m in decode(p)
        if m.address == "/VMC/Ext/Bone/Pos"
    )
    forward = Rotation.from_quat(head.values[4:]).apply([0.0, 0.0, 1.0])
    np.testing.assert_allclose(forward, [-np.sin(0.5), 0.0, np.cos(0.5)], atol=1e-6)


def test_a_frame_fits_ethernet_and_ends_in_apply() -> None:
    packets = encode(0.0, np.ones(52, np.float32), np.zeros(9, np.float32))
    assert max(map(len, packets)) <= 1400
    assert decode(packets[-1])[-1] == OscMessage("/VMC/Ext/Blend/Apply", ())


@pytest.mark.parametrize(
    "message",
    [
        OscMessage("/VMC/Ext/Blend/Val", ("JawOpen", float("nan"))),
        OscMessage("/VMC/Ext/Blend/Val", ("NoSuchShape", 0.5)),
        OscMessage("/VMC/Ext/Blend/Val", (0.5, "JawOpen")),
        OscMessage("/VMC/Ext/Blend/Val", ()),
        OscMessage("/VMC/Ext/Bone/Pos", ("Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        OscMessage("/VMC/Ext/Bone/Pos", ("Head", "x", 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)),
        OscMessage("/elsewhere", (1,)),
    ],
)
def test_what_makes_no_sense_is_counted_and_moves_nothing(message: OscMessage) -> None:
    gather = VmcShapes()
    assert gather.take(message) is None
    assert gather.unknown == 1
    face = gather.take(OscMessage("/VMC/Ext/Blend/Apply", ()))
    assert face is not None
    assert not face.weights.any()
    assert not face.rotations.any()


def test_values_are_clipped_and_names_take_any_case() -> None:
    gather = VmcShapes()
    gather.take(OscMessage("/VMC/Ext/Blend/Val", ("JAWOPEN", 7.0)))
    gather.take(OscMessage("/VMC/Ext/Blend/Val", ("jawLeft", -1.0)))
    face = gather.take(OscMessage("/VMC/Ext/Blend/Apply", ()))
    assert face is not None
    assert face.weights[INDEX["jawOpen"]] == 1.0
    assert face.weights[INDEX["jawLeft"]] == 0.0


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    for packet in (data, b"#bundle\0" + data, b"/VMC/Ext/Blend/Val\0\0,sf\0" + data):
        try:
            for message in decode(packet):
                VmcShapes().take(message)
        except MalformedError:
            pass


def test_deep_nests_are_refused() -> None:
    inner: osc_message.OscMessage | OscBundle = OscMessageBuilder("/a").build()
    for _ in range(40):
        builder = OscBundleBuilder(IMMEDIATELY)
        builder.add_content(inner)
        inner = builder.build()
    with pytest.raises(MalformedError):
        decode(inner.dgram)


def test_another_implementation_reads_what_we_send_and_we_what_it_sends() -> None:
    from pythonosc.osc_packet import OscPacket

    rng = np.random.default_rng(0)
    for packet in encode(1.5, rng.random(52).astype(np.float32), np.full(9, 0.3, np.float32)):
        theirs = [(m.message.address, m.message.params) for m in OscPacket(packet).messages]
        assert [(m.address, list(m.values)) for m in decode(packet)] == theirs
    builder = OscMessageBuilder("/VMC/Ext/Test")
    values = ("text", 7, 0.5, True, False, None)
    for value in values:
        builder.add_arg(value)
    builder.add_arg(2**40, "h")
    builder.add_arg(0.1, "d")
    assert decode(builder.build().dgram) == [OscMessage("/VMC/Ext/Test", (*values, 2**40, 0.1))]


def test_more_messages_than_a_face_has_are_refused_before_they_are_read() -> None:
    from mien.robot.puppet.osc import LONGEST, MOST, bundle, message

    small = bundle([message("/a")] * MOST)
    assert len(decode(small)) == MOST
    many = bundle([message("/a")] * (MOST + 1))
    assert len(many) < LONGEST
    with pytest.raises(MalformedError, match=f"more than {MOST}"):
        decode(many)


@pytest.mark.parametrize("seed", range(5))
def test_a_turn_is_the_one_that_a_library_computes(seed: int) -> None:
    from scipy.spatial.transform import Rotation

    rotations = np.zeros(9, np.float32)
    axes = [ROTATIONS.index(f"Head{axis}") for axis in ("Yaw", "Pitch", "Roll")]
    rotations[axes] = np.random.default_rng(seed).uniform(-1.4, 1.4, 3)
    head = next(
        m
        for p in encode(0.0, np.zeros(52, np.float32), rotations)
        for m in decode(p)
        if m.address == "/VMC/Ext/Bone/Pos"
    )
    yaw, pitch, roll = rotations[axes]
    wanted = Rotation.from_euler("YXZ", [-yaw, -pitch, roll])
    assert (wanted.inv() * Rotation.from_quat(head.values[4:])).magnitude() < 1e-6
    np.testing.assert_allclose(through(np.zeros(52), rotations).rotations, rotations, atol=1e-5)
