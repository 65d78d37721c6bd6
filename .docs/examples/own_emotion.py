"""An emotion of your own: a row of action units, and a sentence that is spoken with it."""

import os
from pathlib import Path

ROW = """
version: 1
emotions:
  smug:
    units: [{unit: 12, strength: 0.5, side: right}, {unit: 43, strength: 0.3}]
    head: {yaw: 0.1, pitch: 0.2, roll: -0.1}
"""

path = Path("emotions.yaml")
path.write_text(ROW)
os.environ["MIEN_EMOTIONS"] = str(path.resolve())  # before the emotions are first read

import mien  # noqa: E402

assert "smug" in mien.EMOTIONS
performance = mien.speak(mien.DEMO_SOUND, face="hobby9", emotion={"smug": 0.9})
smile = mien.BLENDSHAPES.index("mouthSmileRight")
print(f"the right corner of the mouth smiles by {performance.weights[:, smile].max():.2f}")
