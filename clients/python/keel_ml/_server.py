"""The HTTP door of the server, and what it refuses."""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, Iterable, Mapping, Optional

Row = Dict[str, Any]


class KeelError(Exception):
    """What the server refused: `code`, `name` (of what), `hint` (what to do), `status` and the whole reply in `problem`."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        self.code: str = problem.get("code", "internal")
        self.name: Optional[str] = problem.get("name")
        self.hint: Optional[str] = problem.get("hint")
        self.status: int = problem.get("status", 0)
        issues = [f"{issue.get('path', '')}: {issue.get('message', '')}" for issue in problem.get("issues") or []]
        super().__init__("\n".join(text for text in [problem.get("detail", self.code), *issues, self.hint] if text))


_connection: Dict[str, str] = {}


def connect(url: Optional[str] = None, token: Optional[str] = None) -> None:
    """Says which server is meant, and how to sign in. Without it: `KEEL_SERVER` and `KEEL_TOKEN`, else this machine."""
    _connection.clear()
    _connection.update({key: value for key, value in {"url": url, "token": token}.items() if value})


def _send(method: str, path: str, data: Any = None, kind: Optional[str] = None, timeout: float = 900) -> bytes:
    url = _connection.get("url") or os.environ.get("KEEL_SERVER") or "http://127.0.0.1:5335"
    token = _connection.get("token") or os.environ.get("KEEL_TOKEN")
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise KeelError({"code": "invalid_setting", "name": url, "detail": f'"{url}" is no address of a server.'})
    request = urllib.request.Request(f"{url.rstrip('/')}/api/v1{path}", data=data, method=method)
    if kind is not None:
        request.add_header("content-type", kind)
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as reply:
            return bytes(reply.read())
    except urllib.error.HTTPError as error:
        raise KeelError(_problem(error)) from None
    except (OSError, http.client.HTTPException) as error:
        hint = "Start it with `keel up`, or say where it is: KEEL_SERVER, or keel_ml.connect(url)."
        raise KeelError({"code": "unreachable", "name": url, "detail": f"{url}: {error}", "hint": hint}) from error


def _problem(error: urllib.error.HTTPError) -> Dict[str, Any]:
    text = error.read().decode("utf-8", "replace")
    try:
        problem = json.loads(text)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"code": "internal", "detail": text[:500] or str(error)}
    return {"status": error.code, **problem}


def call(method: str, path: str, fields: Optional[Mapping[str, Any]] = None, timeout: float = 900) -> Any:
    """Any operation of the server by its method and path below `/api/v1`; for what has no function here."""
    given = {key: value for key, value in (fields or {}).items() if value is not None}
    if method in ("GET", "DELETE"):
        query = urllib.parse.urlencode(given)
        path, data, kind = (f"{path}?{query}" if query else path), None, None
    else:
        data, kind = json.dumps(given, allow_nan=False).encode(), "application/json"
    text = _send(method, path, data, kind, timeout)
    return json.loads(text) if text else None


def _at(*parts: Any) -> str:
    return "".join("/" + urllib.parse.quote(str(part), safe="") for part in parts)


def _paged(path: str, fields: Mapping[str, Any]) -> Iterable[Row]:
    cursor = None
    while True:
        page = call("GET", path, {**fields, "cursor": cursor, "limit": 500})
        yield from page["items"]
        cursor = page.get("next")
        if not cursor:
            return
