"""Predictions of your own service: what is asked and answered, read from a function."""

from __future__ import annotations

import datetime
import decimal
import functools
import inspect
import os
import time as clock
import uuid
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from ._queue import _log
from ._server import Row
from ._values import _flat, _now, _plain, _records

F = TypeVar("F", bound=Callable[..., Any])


Pick = Union[str, Callable[..., Any], None]


class _Recorder:
    """How predictions of one function or route are read: which field is the id, which the output."""

    def __init__(self, model: str, version: Optional[int], release: Optional[str], id: Pick, output: Pick, unit: Pick, omit: Sequence[str]) -> None:
        self.model, self.version, self.id, self.output, self.unit = model, version, id, output, unit
        self.release = release or os.environ.get("KEEL_RELEASE")
        self.omit = {*omit, *(pick for pick in (id, unit) if isinstance(pick, str))}

    def record(self, given: Any, answer: Any, began: float, bad: Optional[str] = None, id: Optional[str] = None) -> None:
        try:
            took = round((clock.perf_counter() - began) * 1000, 3)
            inputs, many = _inputs(given)
            answers = _answers(answer, len(inputs)) if many else [_jsonable(answer)]
            _log.put(self.model, [self.row(*pair, took, bad, id) for pair in zip(inputs, answers)])
        except Exception as error:  # noqa: BLE001 - never into the caller
            _log.counts["refused"] += 1
            _log.complain(self.model, error)

    def row(self, inputs: Row, answer: Any, took: float, bad: Optional[str], id: Optional[str]) -> Row:
        output = None if bad else self.read(answer)
        found = id or _pick(self.id, inputs, answer) or uuid.uuid4().hex
        unit = _pick(self.unit, inputs, answer)
        fields = {
            "id": str(found)[:128],
            "at": _now(),
            "inputs": _flat({key: value for key, value in inputs.items() if key not in self.omit}),
            "version": self.version,
            "release": self.release,
            "unit": None if unit is None else str(unit)[:256],
            "latencyMs": took,
            "bad": bad or ("invalid" if output is None else None),
        }
        return {"output": output, **{key: value for key, value in fields.items() if value is not None}}

    def read(self, answer: Any) -> Any:
        if callable(self.output):
            answer = self.output(answer)
        elif isinstance(answer, Mapping):
            names = [self.output] if self.output else ["output", "prediction", "score"]
            answer = next((answer[name] for name in names if name in answer), None)
        plain = _plain(answer, lenient=True)
        while isinstance(plain, list) and len(plain) == 1:
            plain = plain[0]
        ranked = isinstance(plain, list) and len(plain) > 0 and all(isinstance(item, str) for item in plain)
        return plain if ranked or isinstance(plain, (bool, int, float, str)) else None


def _pick(how: Pick, inputs: Row, answer: Any) -> Any:
    if callable(how):
        return how(inputs, answer)
    if how is None:
        return None
    found = inputs.get(how)
    return answer.get(how) if found is None and isinstance(answer, Mapping) else found


def _jsonable(value: Any) -> Any:
    for name in ("model_dump", "dict", "_asdict"):
        convert = getattr(value, name, None)
        if callable(convert) and not isinstance(value, (type, Mapping)):
            return convert()
    return value


def _inputs(given: Any) -> Tuple[List[Row], bool]:
    """The rows of a call, and whether they were a table."""
    given = _jsonable(given)
    if isinstance(given, Mapping):
        alone = _jsonable(next(iter(given.values()))) if len(given) == 1 else None
        if _is_row(alone) or hasattr(alone, "columns") or _is_rows(alone):
            return _inputs(alone)
        flat: Row = {}
        for key, value in given.items():
            value = _jsonable(value)
            if _is_row(value):
                flat.update(value)
            elif value is None or isinstance(value, (str, int, float, decimal.Decimal, datetime.date)) or hasattr(value, "item"):
                flat[str(key)] = value
        return [flat], False
    return _records(given), True


def _is_row(value: Any) -> bool:
    """A request of an ASGI app is a mapping too, of its scope."""
    return isinstance(value, Mapping) and not hasattr(value, "scope")


def _is_rows(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(row, Mapping) for row in value)


def _answers(answer: Any, count: int) -> List[Any]:
    if answer is None:
        return [None] * count
    found = [_jsonable(one) for one in (_records(answer) if hasattr(answer, "columns") else answer)]
    if len(found) != count:
        raise ValueError(f"{count} rows were asked about, {len(found)} were answered.")
    return found


def log(model: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Logs predictions that are made already: rows of `id`, `output`, `inputs`, and as known `at`, `release`, `version`,
    `unit`, `latencyMs`. Off the path, as `logged`."""
    try:
        now = _now()
        found = [_plain(dict(row), lenient=True) for row in rows]
        kept = [{key: value for key, value in row.items() if value is not None or key == "output"} for row in found]
        for row in kept:
            row.update({"at": row.get("at", now), "id": str(row["id"]), "inputs": _flat(row.get("inputs", {}))})
        _log.put(model, kept)
    except Exception as error:  # noqa: BLE001 - never into the caller
        _log.counts["refused"] += 1
        _log.complain(model, error)


def logged(
    model: str,
    version: Optional[int] = None,
    *,
    release: Optional[str] = None,
    id: Pick = None,
    output: Pick = None,
    unit: Pick = None,
    omit: Sequence[str] = (),
) -> Callable[[F], F]:
    """Logs what a function (also `async`) is asked and answers, off the path. Its inputs are its arguments, or the one dict,
    model of pydantic, DataFrame or list of rows that it takes. `id`, `output` and `unit` name a field, or are functions
    (`id` and `unit` of inputs and answer); `omit` names inputs that are never written down. It never raises and never
    waits; what does not fit is dropped and counted."""
    recorder = _Recorder(model, version, release, id, output, unit, omit)

    def decorate(function: F) -> F:
        shape = inspect.signature(function)

        def given(args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Any:
            try:
                found = shape.bind(*args, **kwargs)
                found.apply_defaults()
                return {key: value for key, value in found.arguments.items() if key not in ("self", "cls")}
            except Exception:  # noqa: BLE001 - the function itself will tell
                return kwargs

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waiting(*args: Any, **kwargs: Any) -> Any:
                began, asked = clock.perf_counter(), given(args, kwargs)
                try:
                    answer = await function(*args, **kwargs)
                except Exception:
                    recorder.record(asked, None, began, "error")
                    raise
                recorder.record(asked, answer, began)
                return answer

            return waiting  # type: ignore[return-value]

        @functools.wraps(function)
        def direct(*args: Any, **kwargs: Any) -> Any:
            began, asked = clock.perf_counter(), given(args, kwargs)
            try:
                answer = function(*args, **kwargs)
            except Exception:
                recorder.record(asked, None, began, "error")
                raise
            recorder.record(asked, answer, began)
            return answer

        return direct  # type: ignore[return-value]

    return decorate
