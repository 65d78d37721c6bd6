"""Puppeteer from a phone: the messages that a phone sends to `mien live --vmc 39540`.

Any app that sends VMC over OSC works. This program stands in for the phone: the face smiles and
turns its head. Start `mien live --face hobby9 --vmc 39540` in another terminal first.
"""

import math
import socket
import sys
import time

import numpy as np

from mien import BLENDSHAPES
from mien.robot.puppet import osc

seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
port = int(sys.argv[2]) if len(sys.argv) > 2 else osc.PERFORMER_PORT
smile = [BLENDSHAPES.index(f"mouthSmile{side}") for side in ("Left", "Right")]
phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

for k in range(round(60 * seconds)):
    t = k / 60
    weights, rotations = np.zeros(52, np.float32), np.zeros(9, np.float32)
    weights[smile] = 0.5 - 0.5 * math.cos(2.0 * t)
    rotations[0] = 0.3 * math.sin(t)  # yaw of the head, rad
    for packet in osc.encode(t, weights, rotations):
        phone.sendto(packet, ("127.0.0.1", port))
    time.sleep(1 / 60)
print(f"sent {round(60 * seconds)} frames to port {port}")
