"""A face of your own: a face file is changed, written and checked before anything moves."""

from pathlib import Path

import yaml

import mien

FILE = """
face: twoservos
boards: [0x40]
actuators:
  jaw_open: {kind: rigid, region: jaw, servo: micro, board: 0, channel: 0,
             pulse_us: [1150, 1500, 1850], speed: 9.0, limits: [-0.1, 1.0]}
  lids: {kind: rigid, region: eyes, servo: micro, board: 0, channel: 1,
         pulse_us: [1100, 1500, 1900], speed: 9.0}
supplies:
  - {name: servos, volts: 5.0, amps: 3.0, boards: [0]}
"""

tree = yaml.safe_load(FILE)
tree["actuators"]["brows"] = tree["actuators"]["lids"] | {"region": "brows", "channel": 2}
Path("threeservos.yaml").write_text(yaml.safe_dump(tree | {"face": "threeservos"}))
print("actuators:", ", ".join(mien.load_face("threeservos.yaml").names))

tree["actuators"]["brows"]["channel"] = 1  # a mistake: the channel of the lids
Path("broken.yaml").write_text(yaml.safe_dump(tree | {"face": "broken"}))
try:
    mien.load_face("broken.yaml")
except mien.MienError as error:
    print("refused:", error.message)
