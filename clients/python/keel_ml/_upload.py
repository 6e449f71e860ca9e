"""Files and tables on their way to the server."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from typing import Iterable, List, Optional, Tuple

from ._server import Row, _at, _send, call
from ._values import Rows, _rows


def _files(place: str) -> List[Tuple[str, str]]:
    if os.path.isfile(place):
        return [(os.path.basename(place), place)]
    found = [os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names]
    if not found:
        raise FileNotFoundError(f'There is no file in "{place}".')
    return sorted((os.path.relpath(path, place).replace(os.sep, "/"), path) for path in found)


def _artifact(places: Iterable[Tuple[str, str]]) -> str:
    files = [{"path": path, **_upload(place)} for path, place in places]
    return str(call("POST", "/artifacts", {"files": files})["digest"])


def _upload(place: str) -> Row:
    """In parts, of which one at a time is in memory."""
    upload = call("POST", "/uploads", {})
    with open(place, "rb") as file:
        number = 0
        while True:
            part = file.read(upload["partBytes"])
            if not part and number > 0:
                break
            number += 1
            path = _at("uploads", upload["upload"], "parts", number)
            _send("PUT", path, part, "application/octet-stream")
    return dict(call("POST", _at("uploads", upload["upload"], "complete"), {}))


def _import_training_set(train: Rows, label: Optional[str], time: Optional[str]) -> str:
    if isinstance(train, (str, os.PathLike)):
        return _imported(os.fspath(train), label, time)
    with tempfile.TemporaryDirectory() as folder:
        return _imported(_write_table(train, folder), label, time)


def _write_table(rows: Rows, folder: str) -> str:
    """Parquet keeps the types; where pandas has nothing to write it with, or the frame does not fit, JSON lines."""
    if hasattr(rows, "to_parquet"):
        place = os.path.join(folder, "train.parquet")
        try:
            rows.to_parquet(place, index=False)
            return place
        except Exception as error:  # noqa: BLE001 - whatever the engine of pandas raises, rows can be written
            logging.getLogger("keel_ml").debug("no Parquet: %s", error)
    place = os.path.join(folder, "train.jsonl")
    with open(place, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in _rows(rows))
    return place


def _imported(place: str, label: Optional[str], time: Optional[str]) -> str:
    fields = {"artifact": _artifact(_files(place)), "label": label, "time": time}
    return str(call("POST", "/features/training-sets/import", fields)["id"])
