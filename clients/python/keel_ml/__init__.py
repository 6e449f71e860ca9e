"""Golden sets, gates, releases and the prediction log of an Evenkeel server, with the standard library only."""

from ._asgi import LoggedMiddleware
from ._data import features, label, labels, outcome, outcomes, predict, predict_all, training_set
from ._gates import CannotTell, Gate, GateError, GateFailed, NotPassed, compare, gate, main, release, rollback
from ._logged import log, logged
from ._models import Version, golden, golden_items, register
from ._queue import flush, log_counts
from ._server import KeelError, call, connect

__version__ = "0.1.0"
__all__ = [
    "CannotTell",
    "Gate",
    "GateError",
    "GateFailed",
    "KeelError",
    "LoggedMiddleware",
    "NotPassed",
    "Version",
    "call",
    "compare",
    "connect",
    "features",
    "flush",
    "gate",
    "golden",
    "golden_items",
    "label",
    "labels",
    "log",
    "log_counts",
    "logged",
    "main",
    "outcome",
    "outcomes",
    "predict",
    "predict_all",
    "register",
    "release",
    "rollback",
    "training_set",
]
