"""A show: one sound, and emotions that follow a cue list with times in s."""

import json
from pathlib import Path

import numpy as np

from mien import DEMO_SOUND, Calibrated, load_face
from mien.robot.expression.emotion.timeline import load_timeline
from mien.robot.expression.emotion.track import EmotionTrack
from mien.robot.expression.performance import perform
from mien.robot.media import audio

CUES = [
    {"start": 0.0, "end": 1.0, "emotion": "surprise", "strength": 0.8, "region": "upper"},
    {"start": 1.2, "end": 3.0, "emotion": "happiness", "strength": 0.7},
]

path = Path("cues.json")
path.write_text(json.dumps({"cues": CUES}))
face = Calibrated(load_face("hobby9"))
track = EmotionTrack((load_timeline(path),))
show = perform(face, audio.load(DEMO_SOUND), emotion_track=track)
for t in np.arange(0.0, len(show.commands) / 60, 0.5):
    print(f"{t:4.1f} s", " ".join(f"{c:+.2f}" for c in show.commands[int(60 * t)]))
# with mien.connect("sim", face) as robot:    # or a serial port
#     robot.play(show)
