"""What the meters say of a state, and that they mark what is wrong."""

from mien.robot.face.config import load_face
from mien.robot.panel.meters import board, level, recording_lines, serial, servos, voice
from mien.robot.wire import State
from tests.robot.panel.states import STATE

NAMES = load_face("morpheus33").names


def test_the_lag_of_the_lips_is_said_with_what_hides_it() -> None:
    assert ("lips behind voice", "158 ms", False) in voice(STATE)
    assert ("the voice is heard", "with the lips", False) in voice(STATE)
    assert ("the voice is heard", "at once", False) in voice({**STATE, "monitored": False})
    assert ("look-ahead", "96 ms", False) in voice(STATE)
    assert ("deadlines met", "99.87 %", False) in voice(STATE)
    assert ("deadlines met", "98.00 %", True) in voice({**STATE, "deadline_met": 0.98})


def test_the_level_is_a_bar_that_never_leaves_its_frame() -> None:
    for db, share in ((-200.0, 0.0), (-60.0, 0.0), (-30.0, 0.5), (0.0, 1.0), (20.0, 1.0)):
        assert level({**STATE, "level_db": db})["share"] == share
    assert level(STATE) == {"share": 0.65, "text": "-21 dB", "voice": True}
    assert not level({**STATE, "gate": 0.0})["voice"]


def test_the_board_is_described_with_all_that_was_lost() -> None:
    rows = {label: (value, warns) for label, value, warns in serial(STATE, "/dev/ttyACM0", 500_000)}
    for label, value in (
        ("port", "/dev/ttyACM0"), ("baud", "500000"), ("state", "ARMED"), ("faults", "none"),
        ("up", "1:01:05"), ("frames sent", "4321"), ("lost on the way", "11"),
        ("setpoints too late", "13"), ("queue ran empty", "14"), ("CRC errors there", "12"),
        ("CRC errors here", "2"), ("repeats", "3"), ("reconnects", "1"), ("round trip", "2.1 ms"),
    ):  # fmt: skip
        assert rows[label] == (value, False)
    lost = serial({**STATE, "connected": False}, "sim", 500_000)
    assert ("state", "LOST, it is being looked for", True) in lost
    assert ("port", "simulated", False) in lost


def test_a_board_that_said_nothing_yet_and_one_with_faults() -> None:
    host = {k: v for k, v in STATE["link"].items() if not k.startswith("board_")}
    assert ("state", "connected", False) in serial({**STATE, "link": host}, "x", 1)
    latched = {**STATE["link"], "board_state": float(State.FAILSAFE), "board_faults": 0x44}
    rows = serial({**STATE, "link": latched}, "x", 1)
    assert ("state", "FAILSAFE", True) in rows
    assert ("faults", "BUS, BUTTON", True) in rows


def test_the_page_is_told_of_a_stop_whoever_pressed_it_and_of_a_board_that_is_not_well() -> None:
    def of(state: State) -> dict[str, object]:
        return board({**STATE, "link": {**STATE["link"], "board_state": float(state)}})

    assert of(State.ESTOP) == {"state": "ESTOP", "warning": True, "stopped": True}
    well = {State.ARMED, State.DISARMED}
    for state in set(State) - {State.ESTOP}:
        assert of(state) == {"state": state.name, "warning": state not in well, "stopped": False}
    assert board({**STATE, "connected": False}) == {"state": "", "warning": True, "stopped": False}


def test_every_servo_has_a_row_the_warmest_first() -> None:
    rows = servos({**STATE, "duty": [0.0, 1.7] + [0.5] * 31}, NAMES)
    assert len(rows) == len(NAMES)
    assert rows[0] == {
        "name": NAMES[-1], "celsius": "62", "hot": True, "load": "50", "share": 0.5,
    }  # fmt: skip
    assert rows[-1]["share"] == 0.0
    assert not rows[-1]["hot"]
    assert (rows[-2]["load"], rows[-2]["share"]) == ("170", 1.0)  # a bar stays in its frame


def test_recording_and_playing_are_said() -> None:
    assert recording_lines(STATE) == ["nothing is recorded or played"]
    on = {"name": "a.mcap", "seconds": 61.4, "dropped": 5, "message": ""}
    played = {"name": "b.mcap", "seconds": 3.0, "message": ""}
    lines = recording_lines({**STATE, "recording": on, "playback": played})
    assert lines == ["● recording a.mcap, 61 s, 5 records lost", "▶ playing b.mcap, 3 s"]
    done = {"name": "", "seconds": 0.0, "message": "b.mcap was played"}
    assert recording_lines({**STATE, "playback": done}) == ["b.mcap was played"]
