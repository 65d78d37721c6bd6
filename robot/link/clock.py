"""Clock of the board in the host's time, estimated from pings."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

WINDOW = 64
SPAN_FOR_DRIFT_S = 2.0  # shorter, and the noise of the stamps would be read as drift
RECENT = 2  # of which the one with the shorter trip gives the offset until the drift is known
DRIFT_MAX = 6e-3  # AVR boards run on ceramic resonators: 0.5 percent at worst
WRAP = 1 << 32


@dataclass(frozen=True)
class _Sample:
    sent: float  # host s
    board: float  # us, unwrapped
    trip: float  # s


class BoardClock:
    """Offset and drift of the board's clock, by linear regression over the last round trips.

    Before they span 2 s the newest of them alone give the offset, and the drift counts as 0.

    A ping that had to wait has a longer round trip, so only the shorter half of the trips is used.
    Replies also wait until the loop reads them. The board's stamp is therefore placed half of the
    shortest trip after the ping, and not in the middle of each trip.
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=WINDOW)
        self._origin = 0.0
        self._board = 0.0
        self._rate = 1e6  # board us per host s
        self._shortest = 0.0

    @property
    def known(self) -> bool:
        """Whether at least one round trip was measured."""
        return bool(self._samples)

    @property
    def drift_ppm(self) -> float:
        """Drift of the board's clock in parts per million; positive runs fast."""
        return self._rate - 1e6

    @property
    def trip_s(self) -> float:
        """Shortest round trip in s since the last reset; 0 before the first."""
        return self._shortest

    def reset(self) -> None:
        """Forget all measurements. The board has restarted."""
        self._samples.clear()
        self._rate = 1e6

    def add(self, sent: float, received: float, board_us: int) -> None:
        """Add a round trip: host times of PING and PONG in s, and the board's stamp in us."""
        trip = received - sent
        board = float(board_us)
        if self._samples:  # unwrap: the board's time closest to what we expect
            expected = self._predict(sent + trip / 2)
            board += WRAP * round((expected - board) / WRAP)
        self._shortest = min(trip, self._shortest) if self._samples else trip
        self._samples.append(_Sample(sent, board, trip))
        self._fit()

    def board_s(self, host: float) -> float:
        """Uptime of the board in s at ``host`` s, if it was met in its first 71 minutes."""
        return self._predict(host) / 1e6

    def to_board(self, host: float) -> int:
        """Board time in us, modulo 2^32, at ``host`` seconds."""
        return round(self._predict(host)) % WRAP

    def _predict(self, host: float) -> float:
        return self._board + (host - self._origin) * self._rate

    def _fit(self) -> None:
        best = sorted(self._samples, key=lambda s: s.trip)[: (len(self._samples) + 1) // 2]
        host = np.array([s.sent for s in best]) + self._shortest / 2
        board = np.array([s.board for s in best])
        if float(np.ptp(host)) < SPAN_FOR_DRIFT_S:
            # The drift is unknown yet, and 0.5 percent of the age of a measurement are its error.
            newest = min(list(self._samples)[-RECENT:], key=lambda s: (s.trip, -s.sent))
            self._origin, self._board = newest.sent + self._shortest / 2, newest.board
            return
        self._origin = float(host.mean())
        self._board = float(board.mean())
        x = host - self._origin
        slope = float(x @ (board - self._board)) / float(x @ x)
        self._rate = float(np.clip(slope, 1e6 * (1 - DRIFT_MAX), 1e6 * (1 + DRIFT_MAX)))
