"""What the meters say of a state, and that they mark what is wrong."""

from robot.config import load_face
from robot.panel.meters import serial, servos, tape, voice
from tests.robot.panel.states import STATE

NAMES = load_face("morpheus33").names


def test_the_lag_of_the_lips_is_said_with_what_hides_it() -> None:
    assert "| lips behind voice | 158 ms |\n| the voice is heard | as late, by" in voice(STATE)
    assert "| the voice is heard | at once |" in voice({**STATE, "monitored": False})
    assert "| look-ahead | 96 ms |" in voice(STATE)
    assert "| deadlines met | 99.87 % |" in voice(STATE)


def test_the_level_is_a_bar_that_never_leaves_its_frame() -> None:
    for level, blocks in ((-200.0, 0), (-60.0, 0), (-30.0, 10), (0.0, 20), (20.0, 20)):
        assert voice({**STATE, "level_db": level}).count("█") == blocks
    assert "**voice**" in voice(STATE)
    assert "**voice**" not in voice({**STATE, "gate": 0.0})


def test_the_board_is_described_with_all_that_was_lost() -> None:
    text = serial(STATE, "/dev/ttyACM0", 500_000)
    for row in (
        "port | /dev/ttyACM0", "baud | 500000", "state | ARMED", "faults | none", "up | 1:01:05",
        "frames sent | 4321", "lost on the way | 11", "setpoints too late | 13",
        "queue ran empty | 14", "CRC errors there | 12", "CRC errors here | 2",
        "repeats | 3", "reconnects | 1", "round trip | 2.1 ms",
    ):  # fmt: skip
        assert f"| {row} |" in text
    assert "**LOST**" in serial({**STATE, "connected": False}, "sim", 500_000)
    assert "simulated" in serial(STATE, "sim", 500_000)


def test_a_board_that_said_nothing_yet_and_one_with_faults() -> None:
    host = {k: v for k, v in STATE["link"].items() if not k.startswith("board_")}
    assert "| state | connected |" in serial({**STATE, "link": host}, "x", 1)
    latched = {**STATE["link"], "board_state": 3.0, "board_faults": 0x44}
    text = serial({**STATE, "link": latched}, "x", 1)
    assert "| state | FAILSAFE |" in text
    assert "| faults | BUS, BUTTON |" in text


def test_every_servo_has_a_row_the_warmest_first() -> None:
    rows = servos({**STATE, "duty": [0.0, 1.7] + [0.5] * 31}, NAMES).splitlines()[2:]
    assert len(rows) == len(NAMES)
    assert rows[0] == f"| {NAMES[-1]} | **62** | `█████·····` 50 |"
    assert rows[-1].endswith("| 30 | `··········` 0 |")
    assert "`██████████` 170" in rows[-2]


def test_recording_and_playing_are_said() -> None:
    assert tape(STATE) == "nothing is recorded or played"
    on = {"name": "a.mcap", "seconds": 61.4, "dropped": 5, "said": ""}
    played = {"name": "b.mcap", "seconds": 3.0, "said": ""}
    text = tape({**STATE, "tape": on, "playback": played})
    assert "**● recording** a.mcap, 61 s, 5 records lost" in text
    assert "**▶ playing** b.mcap, 3 s" in text
    done = {"name": "", "seconds": 0.0, "said": "b.mcap was played"}
    assert tape({**STATE, "playback": done}) == "b.mcap was played"
