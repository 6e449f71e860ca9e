"""What a value of Python, numpy or pandas becomes in JSON."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import math
import uuid
from collections import deque
from typing import Any, List, Mapping, Optional

from ._server import Row

#: A DataFrame of pandas or polars, or a list of dicts.
Rows = Any
_exact = 2**53 - 1
_utc = datetime.timezone.utc


def _plain(value: Any, where: str = "value", lenient: bool = False) -> Any:
    """As JSON has it: NaN and missing are null, times ISO 8601 in UTC, integers exact. Lenient: never refuses."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, enum.Enum):
        return _plain(value.value, where, lenient)
    if isinstance(value, int):
        return str(value) if lenient and abs(value) > _exact else int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _not_finite(float(value), where, lenient)
    if isinstance(value, decimal.Decimal):
        if not value.is_finite():
            return _not_finite(float(value), where, lenient)
        return _plain(int(value) if value == value.to_integral_value() else float(value), where, lenient)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return _moment(value, lenient)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, f"{where}.{key}", lenient) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [_plain(inner, where, lenient) for inner in value]
    return _foreign(value, where, lenient)


def _foreign(value: Any, where: str, lenient: bool) -> Any:
    """Of numpy, pandas, pydantic …, none of which is imported here."""
    kind = type(value).__name__
    if kind in ("NAType", "NaTType"):
        return None
    if kind == "datetime64":
        text = str(value)
        return None if text == "NaT" else (f"{text}Z" if "T" in text else text)
    for name in ("tolist", "model_dump", "item", "dict", "_asdict"):
        convert = getattr(value, name, None)
        if callable(convert) and not isinstance(value, type):
            return _plain(convert(), where, lenient)
    if isinstance(value, uuid.UUID) or lenient:
        return str(value)
    raise TypeError(f"{where}: a {kind} is no value of a row; make it a number, a text, a time or None first.")


def _not_finite(value: float, where: str, lenient: bool) -> None:
    if not lenient and math.isinf(value):
        raise ValueError(f"{where}: infinity is no number here; make it None where it means missing.")


def _moment(value: Any, short: bool = False) -> Optional[str]:
    """Short: to milliseconds, as operations take their times."""
    if value != value:  # NaT
        return None
    if not isinstance(value, datetime.datetime):
        return str(value.isoformat())
    known = value.replace(tzinfo=_utc) if value.tzinfo is None else value.astimezone(_utc)
    return str(known.isoformat(timespec="milliseconds" if short else "auto")).replace("+00:00", "Z")


def _flat(row: Mapping[str, Any], within: str = "") -> Row:
    """As the log has columns: what is nested in a dict gets a column of its own, a list is its JSON."""
    found: Row = {}
    for key, value in row.items():
        plain = _plain(value, lenient=True)
        if isinstance(plain, dict):
            found.update(_flat(plain, f"{within}{key}."))
        else:
            found[f"{within}{key}"] = json.dumps(plain) if isinstance(plain, list) else plain
    return found


def _now() -> Optional[str]:
    return _moment(datetime.datetime.now(_utc), short=True)


def _records(rows: Rows, index: Optional[str] = None) -> List[Row]:
    """A DataFrame or a list of dicts as rows; the index of a DataFrame is a column when it has the name asked for."""
    names = getattr(rows, "columns", None)
    if names is None:
        if isinstance(rows, Mapping) or not all(isinstance(row, Mapping) for row in rows):
            raise TypeError("Rows are a DataFrame or a list of dicts.")
        return [{str(key): value for key, value in row.items()} for row in rows]
    if len(set(map(str, names))) < len(list(names)):
        raise ValueError("Two columns have the same name.")
    if index is not None and index not in names and getattr(getattr(rows, "index", None), "name", None) == index:
        rows = rows.reset_index()
    found = rows.to_dicts() if hasattr(rows, "to_dicts") else rows.to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in found]


def _rows(rows: Rows, index: Optional[str] = None) -> List[Row]:
    return [
        {key: _plain(value, f'row {number}, column "{key}"') for key, value in row.items()}
        for number, row in enumerate(_records(rows, index), 1)
    ]
