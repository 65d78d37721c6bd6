"""Named actuator commands: what everything above ``actuators`` speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from mien.robot.face.config import FaceConfig, Floats


@dataclass(frozen=True, eq=False)
class Pose(Mapping[str, float]):
    """One command in [-1, 1] per actuator of a face; 0 is the face's neutral.

    Attributes:
        names: actuator names, in the order of the face's file.
        array: (n,) commands.
    """

    names: tuple[str, ...]
    array: Floats

    @classmethod
    def of(cls, face: FaceConfig, commands: Mapping[str, float] | None = None) -> Self:
        """The neutral pose of ``face`` with some commands set.

        Raises:
            ConfigError: a name that the face does not have.
        """
        values = np.zeros(len(face.names))
        for name, value in (commands or {}).items():
            values[face.index(name)] = value
        return cls(face.names, values)

    def __getitem__(self, name: str) -> float:
        try:
            return float(self.array[self.names.index(name)])
        except ValueError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)
