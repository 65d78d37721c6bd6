"""Blendshapes from CSV: a take of Live Link Face becomes commands of a face, 60 a second."""

import sys
from pathlib import Path

import numpy as np

import mien
from mien.robot.face.solver import FaceSolver
from mien.robot.media.livelink_takes import read_csv, write_csv

path = Path(sys.argv[1] if len(sys.argv) > 1 else "take.csv")
if not path.is_file():  # a take of half a second in which the mouth opens
    weights = np.zeros((30, 52))
    weights[:, mien.BLENDSHAPES.index("jawOpen")] = np.linspace(0.0, 0.6, 30)
    write_csv(path, weights)

take = read_csv(path)
face = mien.load_face("hobby9")
solver = FaceSolver(mien.Calibrated(face))
print("frame", *face.names, sep=",")
for k, frame in enumerate(take.weights):
    commands = solver.solve(frame).commands
    print(k, *(f"{c:.3f}" for c in commands), sep=",")
