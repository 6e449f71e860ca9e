"""Predictions of your own service: what an ASGI app is asked and answers."""

from __future__ import annotations

import json
import time as clock
import uuid
from typing import Any, Mapping, Optional, Sequence

from ._logged import Pick, _pick, _Recorder
from ._queue import _log


class LoggedMiddleware:
    """For ASGI (FastAPI, Starlette): logs JSON requests to `path` and their answers, off the path. The id is the field `id` of
    request or answer, else the header `x-request-id`, else one that the answer's header `x-keel-id` tells."""

    most = 1024 * 1024

    def __init__(
        self,
        app: Any,
        model: str,
        path: str = "/predict",
        version: Optional[int] = None,
        release: Optional[str] = None,
        id: Pick = "id",
        output: Pick = None,
        unit: Pick = None,
        inputs: Optional[str] = None,
        omit: Sequence[str] = (),
    ) -> None:
        self.app, self.path, self.inputs = app, path, inputs
        self.recorder = _Recorder(model, version, release, id, output, unit, omit)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self.before_the_end(send))
            return
        if scope["type"] != "http" or scope.get("method") != "POST" or scope.get("path") != self.path:
            await self.app(scope, receive, send)
            return
        began = clock.perf_counter()
        headers = {key.lower(): value for key, value in scope.get("headers") or []}
        id = headers.get(b"x-request-id", b"").decode("latin-1") or uuid.uuid4().hex
        asked, answered, status = bytearray(), bytearray(), [500]

        async def hear() -> Any:
            message = await receive()
            if len(asked) <= self.most:
                asked.extend(message.get("body") or b"")
            return message

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
                message = {**message, "headers": [*(message.get("headers") or []), (b"x-keel-id", id.encode("latin-1"))]}
            elif len(answered) <= self.most:
                answered.extend(message.get("body") or b"")
            await send(message)

        try:
            await self.app(scope, hear, say)
        finally:
            self.note(bytes(asked), bytes(answered), status[0], began, id)

    def before_the_end(self, send: Any) -> Any:
        """A server that is told to stop (SIGTERM) may end without what Python does at exit: what is left is sent before."""

        async def say(message: Any) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                _log.flush(5)
            await send(message)

        return say

    def note(self, asked: bytes, answered: bytes, status: int, began: float, id: str) -> None:
        """Nothing of requests that were at fault themselves (4xx)."""
        if 300 <= status < 500 or max(len(asked), len(answered)) > self.most:
            return
        try:
            given = json.loads(asked)
            given = given[self.inputs] if self.inputs else given
            answer = json.loads(answered) if status < 300 else None
            alone = isinstance(given, Mapping) and _pick(self.recorder.id, dict(given), answer) is None
        except Exception as error:  # noqa: BLE001 - never into the app
            _log.counts["refused"] += 1
            _log.complain(self.recorder.model, error)
            return
        self.recorder.record(given, answer, began, "error" if status >= 500 else None, id if alone else None)
