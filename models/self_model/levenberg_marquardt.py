"""Levenberg-Marquardt minimisation in a box, for a batch of frames.

The steps themselves are C (``levenberg_marquardt.c``): with matrices this small, numpy spends more
time between its calls than in them. Residuals, costs and steps are in double precision, the
Jacobian is in single.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from mien.models.self_model._levenberg_marquardt import ffi, lib
from numpy.typing import NDArray

from mien.models.self_model.model import POWERS, Floats
from mien.models.self_model.objective import Objective, ProjectedTargets

if lib.LM_POWERS != POWERS:
    raise ImportError(f"the compiled inverse has {lib.LM_POWERS} powers, the model {POWERS}")


@dataclass(frozen=True, eq=False)
class Box:
    """Bounds of the network inputs.

    Attributes:
        low, high: (T, m) or (m,) bounds.
        planes: (c, m) and offsets (c,): interlocks ``planes @ x <= offsets``. They are penalties.
    """

    low: Floats
    high: Floats
    planes: Floats
    offsets: Floats


def minimise(
    objective: Objective,
    projected: ProjectedTargets,
    start: Floats,
    previous: Floats | None,
    box: Box,
    steps: int,
    tolerance: float = 1e-4,
) -> tuple[Floats, Floats]:
    """Minimise the objective E over the box.

    Args:
        objective: of the model.
        projected: T targets.
        start: (T, m) first guess; it is clipped into the box.
        previous: (T, m) inputs of the last frame, for the smoothness term; None: no such term.
        box: bounds and interlocks.
        steps: at most.
        tolerance: a frame's search ends when none of its inputs moves by more in one step.

    Returns:
        inputs (T, m), and their cost (T,).
    """
    compiled = _COMPILED.get(objective)
    if compiled is None:
        compiled = _COMPILED[objective] = _Compiled(objective)
    shape = np.shape(start)
    x, cost = np.empty(shape), np.empty(len(x_start := _rows(start, shape)))
    keep = {
        "b": _rows(projected.b, projected.b.shape),
        "scale": _rows(projected.scale, projected.b.shape),
        "start": x_start,
        "low": _rows(box.low, shape),
        "high": _rows(box.high, shape),
        "plane": _rows(box.planes, np.shape(box.planes)),
        "offsets": _rows(box.offsets, np.shape(box.offsets)),
    }
    if previous is not None:
        keep["previous"] = _rows(previous, shape)
    if projected.hold is not None and projected.own is not None:
        keep["hold"] = _rows(projected.hold, shape)
        keep["own"] = _rows(projected.own, shape)
    problem = ffi.new("lm_problem *", {name: _doubles(array) for name, array in keep.items()})
    problem.frames, problem.planes, problem.steps = len(start), len(box.planes), steps
    problem.tolerance = tolerance
    problem.smooth, problem.interlock = objective.weights.smooth, objective.weights.interlock
    if lib.lm_minimise(compiled.struct, problem, _doubles(x), _doubles(cost)):
        raise MemoryError("no memory for the inverse")
    return x, cost + projected.floor


def bounded_step(h: Floats, g: Floats, x: Floats, box: Box) -> Floats:
    """x + d with d = argmin d'Hd/2 + g'd in the box, by a primal-dual active set method.

    A variable is constrained to a bound where the step would leave the box, or where its multiplier
    is positive. It is released where its multiplier is negative. The active sets usually converge
    in three passes. If they do not, the last step is clipped; ``minimise`` then rejects a step
    that raises the cost. Source: Hintermueller, Ito and Kunisch, "The primal-dual active set
    strategy as a semismooth Newton method", SIAM J. Optim. 13 (2003).

    Args:
        h: (T, m, m) Hessians.
        g: (T, m) gradients.
        x: (T, m) present inputs.
        box: bounds; interlocks are not used.

    Raises:
        ArithmeticError: a Hessian is not positive definite.
    """
    m = x.shape[1]
    low, high = _rows(box.low, x.shape), _rows(box.high, x.shape)
    out, work = np.empty(x.shape), np.empty(m * m + 2 * m)
    index = ffi.new("int[]", 2 * m)
    for t in range(len(x)):
        arrays = (_rows(h[t], (m, m)), _rows(g[t], (m,)), _rows(x[t], (m,)), low[t], high[t])
        if lib.lm_bounded_step(
            m, *(_doubles(a) for a in arrays), _doubles(out[t]), _doubles(work), index
        ):
            raise ArithmeticError(f"the Hessian of frame {t} is not positive definite")
    return out


class _Compiled:
    """An objective as the C code reads it. The arrays live as long as this object."""

    def __init__(self, objective: Objective) -> None:
        model, contact = objective.model, objective.contact
        m, columns = len(model.inputs), objective.columns
        by_power = objective.readout[: POWERS * m].reshape(POWERS, m, columns)
        slopes = by_power * np.arange(1.0, POWERS + 1)[:, None, None]
        self.doubles = {
            "w1": model.w1.T, "b1": model.b1, "w2": model.w2.T, "b2": model.b2,
            "readout": objective.readout, "prior": objective.prior, "taut": objective.taut,
            "least": contact.least, "parted": contact.parted,
        }  # fmt: skip
        self.doubles = {name: _rows(a, np.shape(a)) for name, a in self.doubles.items()}
        self.singles = {
            "w1_rows": model.w1.T,
            "w2_rows": model.w2.T,
            "hidden_readout": objective.readout[POWERS * m : -1],
            "slopes": slopes,
        }
        self.singles = {name: _padded(a) for name, a in self.singles.items()}
        fields: dict[str, Any] = {name: _doubles(a) for name, a in self.doubles.items()}
        fields |= {name: ffi.cast("float *", a.ctypes.data) for name, a in self.singles.items()}
        fields |= {
            "inputs": m,
            "hidden1": len(model.b1),
            "hidden2": len(model.b2),
            "columns": columns,
            "pairs": len(contact.least),
            "pairs_at": contact.columns.start,
            "shared": contact.parted.shape[1],
        }
        self.struct = ffi.new("lm_objective *", fields)


_COMPILED: WeakKeyDictionary[Objective, _Compiled] = WeakKeyDictionary()


def _rows(array: Floats, shape: tuple[int, ...]) -> Floats:
    """The array in C's order and double precision, spread to ``shape``."""
    return np.ascontiguousarray(np.broadcast_to(array, shape), dtype=np.float64)


def _padded(array: Floats) -> NDArray[np.float32]:
    """Single precision, padded with zeros to a multiple of the lanes in columns and, where there
    are two dimensions, in rows."""
    spare = [(0, -n % lib.LM_LANES) for n in array.shape]
    wide = np.pad(array, spare if array.ndim == 2 else [(0, 0), (0, 0), spare[-1]])
    return np.ascontiguousarray(wide, dtype=np.float32)


def _doubles(array: Floats) -> Any:
    return ffi.cast("double *", array.ctypes.data)
