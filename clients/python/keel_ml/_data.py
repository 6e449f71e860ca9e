"""Training sets, features, answers and labels."""

from __future__ import annotations

import csv
import io
from typing import Any, Iterable, List, Mapping, Optional, Sequence

from ._server import Row, _at, _send, call
from ._values import Rows, _plain, _records, _rows


def training_set(
    id: Optional[str] = None,
    *,
    service: Optional[str] = None,
    source: Optional[str] = None,
    start: Any = None,
    end: Any = None,
    label: Optional[str] = None,
    **more: Any,
) -> Any:
    """The rows of a training set as a DataFrame, or a list of dicts where there is no pandas. By its `id`, or joined now: a
    feature service to the rows of a source from `start` to `end`, each as known at its time."""
    if id is None:
        fields = {"service": service, "source": source, "from": _plain(start, lenient=True), "to": _plain(end, lenient=True), "label": label, **more}
        id = str(call("POST", "/features/training-sets", fields)["id"])
    try:
        import pandas
    except ImportError:
        return list(csv.DictReader(io.StringIO(_table(id, "csv").decode("utf-8-sig"))))
    try:
        found = pandas.read_parquet(io.BytesIO(_table(id, "parquet")))
    except ImportError:  # pandas has nothing to read Parquet with
        found = pandas.read_csv(io.BytesIO(_table(id, "csv")))
    found.attrs["training_set"] = id
    return found


def _table(id: str, format: str) -> bytes:
    return _send("GET", f"{_at('features', 'training-sets', id, 'file')}?format={format}")


def features(service: str, rows: Rows) -> List[Row]:
    """The values of a feature service as of now, one dict for each row of entity keys; what is not known is None."""
    found: List[Row] = []
    for part in _parts(_rows(rows), 1000):
        found.extend(row["values"] for row in call("POST", "/features/online", {"service": service, "rows": part})["rows"])
    return found


def _parts(rows: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def predict(model: str, inputs: Mapping[str, Any], id: Optional[str] = None, unit: Optional[str] = None) -> Row:
    """An answer of the model that is live on the server: `output`, `id`, `release`, `version`, `marks`."""
    return dict(call("POST", _at("predict", model), {"inputs": _rows([inputs])[0], "id": id, "unit": unit}, timeout=60))


def predict_all(model: str, rows: Rows, version: Optional[int] = None) -> List[Any]:
    """Answers for rows, in their order, beside the traffic: neither logged nor counted. None where a row has an error."""
    found: List[Any] = []
    for part in _parts(_rows(rows), 10_000):
        found.extend(call("POST", _at("predict", model, "batch"), {"version": version, "rows": part})["outputs"])
    return found


def label(model: str, id: Any, value: Any) -> Row:
    """Tells what turned out for the prediction of this id."""
    return labels(model, {id: value})


def labels(model: str, values: Mapping[Any, Any]) -> Row:
    """Tells what turned out, for many: prediction id -> value. The same twice is counted once. A value is a number, a class, an
    expected text, or how relevant each item of a ranked list is."""
    rows = [{"id": str(_plain(id)), "value": _label(value, id)} for id, value in values.items()]
    return _sent("/labels", model, "labels", rows)


def outcome(
    model: str, name: str, value: Any, *, prediction: Any = None, unit: Any = None, id: Any = None, at: Any = None
) -> Row:
    """Tells what followed beside the label, of a prediction or for a unit (then with an `id` of yours): thumbs, conversion,
    revenue."""
    return outcomes(model, [{"name": name, "value": value, "prediction": prediction, "unit": unit, "id": id, "at": at}])


def outcomes(model: str, rows: Any) -> Row:
    """The same for many: rows of `name`, `value`, `prediction` or `unit` with `id`, and `at` as known."""
    plain = [_plain(dict(row), lenient=True) for row in _records(rows)]
    found = [{key: value for key, value in row.items() if value is not None} for row in plain]
    named = [{**row, **{key: str(row[key]) for key in ("id", "prediction", "unit") if key in row}} for row in found]
    return _sent("/outcomes", model, "outcomes", named)


def _sent(path: str, model: str, field: str, rows: List[Row]) -> Row:
    total = {"accepted": 0, "replaced": 0}
    for part in _parts(rows, 10_000):
        reply = call("POST", path, {"endpoint": model, field: part})
        total = {key: total[key] + reply[key] for key in total}
    return total


def _label(value: Any, id: Any) -> Any:
    plain = _plain(value, f'label of "{id}"')
    if isinstance(plain, (int, float, str, list, dict)):
        return int(plain) if isinstance(plain, bool) else plain
    raise TypeError(f'The label of "{id}" is {value!r}; a label is a number, a text, or the relevances of a list.')
