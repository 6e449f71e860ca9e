"""Predictions on their way to the server."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time as clock
from collections import deque
from typing import Dict, Iterable, List, Optional, Tuple

from ._server import KeelError, Row, _at, call

_warn = logging.getLogger("keel_ml").warning


class _Log:
    """Predictions on their way to the server: a bounded queue, and one thread that sends it in batches. What does not fit
    is dropped and counted. Nothing here raises into the caller or waits for the network."""

    def __init__(self, limit: int = 10_000, batch: int = 1_000, every: float = 1.0) -> None:
        self.limit, self.batch, self.every = limit, batch, every
        self.counts = {"sent": 0, "dropped": 0, "refused": 0, "failed": 0}
        self.begin()

    def begin(self) -> None:
        """Also in the child of a fork, which has no thread and must not send what its parent sends."""
        self.rows: "deque[Tuple[str, Row]]" = deque()
        self.changed = threading.Condition()
        self.sending = 0
        self.hurry = False
        self.warned = 0.0
        self.thread: Optional[threading.Thread] = None

    def put(self, model: str, rows: Iterable[Row]) -> None:
        with self.changed:
            for row in rows:
                if len(self.rows) + self.sending >= self.limit:
                    self.counts["dropped"] += 1
                else:
                    self.rows.append((model, row))
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.run, name="keel-ml", daemon=True)
                self.thread.start()
            self.changed.notify_all()

    def run(self) -> None:
        pause = 0.0
        while True:
            with self.changed:
                while not self.rows:
                    self.changed.wait()
                self.rest(pause)
                rows = [self.rows.popleft() for _ in range(min(self.batch, len(self.rows)))]
                self.sending = len(rows)
            pause = 0.0 if self.deliver(rows) else min(30.0, pause * 2 or 0.5)

    def rest(self, pause: float) -> None:
        """Until a batch is full, or its time has come; after a failure always as long as that says, but when in a hurry."""
        until = clock.monotonic() + (pause or self.every)
        while not self.hurry and (pause or len(self.rows) < self.batch) and clock.monotonic() < until:
            self.changed.wait(until - clock.monotonic())
        if self.hurry and pause:
            self.changed.wait(0.1)

    def deliver(self, rows: List[Tuple[str, Row]]) -> bool:
        """False where some of the rows shall be tried once more, later."""
        by_model: Dict[str, List[Row]] = {}
        for model, row in rows:
            by_model.setdefault(model, []).append(row)
        left: List[Tuple[str, Row]] = []
        for model, some in by_model.items():
            try:
                self.post(model, some)
            except Exception as error:  # noqa: BLE001 - a log that fails must not stop
                status = error.status if isinstance(error, KeelError) else 400
                if status == 0 or status in (408, 429) or status >= 500:
                    left.extend((model, row) for row in some)
                    self.counts["failed"] += 1
                else:
                    self.counts["refused"] += len(some)
                self.complain(model, error)
        with self.changed:
            self.rows.extendleft(reversed(left))
            self.sending = 0
            self.changed.notify_all()
        return not left

    def post(self, model: str, rows: List[Row]) -> None:
        """Of a batch that is refused, the good rows are sent without the bad ones."""
        try:
            call("POST", _at("endpoints", model, "predictions"), {"predictions": rows}, timeout=10)
            self.counts["sent"] += len(rows)
        except KeelError as error:
            if error.status not in (400, 413, 422):
                raise
            if len(rows) == 1:
                self.counts["refused"] += 1
                self.complain(model, error)
                return
            half = len(rows) // 2
            self.post(model, rows[:half])
            self.post(model, rows[half:])

    def complain(self, model: str, error: Exception) -> None:
        if clock.monotonic() - self.warned > 60 or not self.warned:
            self.warned = clock.monotonic()
            _warn("Predictions of %s are not logged: %s", model, error)

    def flush(self, timeout: float) -> bool:
        until = clock.monotonic() + timeout
        with self.changed:
            self.hurry = True
            self.changed.notify_all()
            while (self.rows or self.sending) and self.thread is not None and clock.monotonic() < until:
                self.changed.wait(min(0.1, max(0.0, until - clock.monotonic())))
            self.hurry = False
            return not self.rows and not self.sending


_log = _Log()
atexit.register(lambda: _log.flush(5))
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _log.begin())


def flush(timeout: float = 10) -> bool:
    """Waits until predictions that were logged are on the server; False where they are not in time. Called at exit."""
    return _log.flush(timeout)


def log_counts() -> Dict[str, int]:
    """Since the start: predictions sent, dropped (the queue was full), refused by the server; and attempts that failed."""
    return dict(_log.counts)
