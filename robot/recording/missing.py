"""What a recording lacks, counted while it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Missing:
    """What a recording lacks. It is complete when the whole recording was read.

    Attributes:
        records: whole records that are missing between others.
        dropped: records that were not written because the disk was too slow.
        seconds: time in s without records around damaged ranges.
        holes: (first byte, first byte after, time before in s) of the damaged ranges.
        cut_at: byte from which nothing could be read; None when the file was ended properly.
        until_s: time in s of the last record; None without records.
    """

    records: int = 0
    dropped: int = 0
    seconds: float = 0.0
    holes: list[tuple[int, int, float]] = field(default_factory=list)
    cut_at: int | None = None
    until_s: float | None = None

    @property
    def nothing(self) -> bool:
        """Whether the recording is whole."""
        return not (self.records or self.dropped or self.holes) and self.cut_at is None

    def __str__(self) -> str:
        """One sentence for a person; empty when nothing is missing."""
        parts = []
        if self.cut_at is not None:
            until = (
                "before its first record" if self.until_s is None else f"at {self.until_s:.3f} s"
            )
            parts.append(f"it was never ended: nothing whole from byte {self.cut_at} on, {until}")
        if self.holes:
            places = ", ".join(f"bytes {a} to {b} after {t:.3f} s" for a, b, t in self.holes[:3])
            more = f" and {len(self.holes) - 3} more" if len(self.holes) > 3 else ""
            parts.append(f"damaged places are left out ({places}{more}), {self.seconds:.3f} s")
        if self.records:
            parts.append(f"{self.records} records are missing between others")
        if self.dropped:
            parts.append(f"{self.dropped} records were dropped while it was made")
        return "; ".join(parts)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "missing_records": self.records,
            "missing_seconds": self.seconds,
            "records_dropped": self.dropped,
            "damaged_places": len(self.holes),
            "cut_at_byte": self.cut_at,
        }
