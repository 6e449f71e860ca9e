"""Golden sets, versions and what they were trained on."""

from __future__ import annotations

import logging
import re
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ._server import KeelError, Row, _at, _paged, call
from ._upload import _artifact, _files, _import_training_set
from ._values import Rows, _rows

_warn = logging.getLogger("keel_ml").warning


class Version(NamedTuple):
    """A version of a model; everywhere `"churn@7"` may be written instead."""

    model: str
    number: int

    def __str__(self) -> str:
        return f"{self.model}@{self.number}"


def _version(given: Union[str, Version, Tuple[str, int]]) -> Version:
    if not isinstance(given, str):
        return Version(str(given[0]), int(given[1]))
    found = re.fullmatch(r"(?:models:/)?([^/@:]+)[@/](\d+)", given)
    if found is not None:
        return Version(found[1], int(found[2]))
    alias = re.fullmatch(r"(?:models:/)?([^/@:]+)@([^/@:]+)", given)
    if alias is None:
        raise ValueError(f'"{given}" names no version: write "model@7", "model@alias" or "models:/model/7".')
    aliases = call("GET", _at("models", alias[1]))["aliases"]
    if alias[2] not in aliases:
        raise KeelError({"code": "not_found", "status": 404, "name": given, "detail": f'"{alias[1]}" has no alias "{alias[2]}".'})
    return Version(alias[1], int(aliases[alias[2]]))






def golden(
    name: str, df: Rows, id: str, label: str, time: Optional[str] = None, slices: Optional[Sequence[str]] = None, **more: Any
) -> Row:
    """Makes a new version of a golden set; unchanged items give the same version. `id`, `label`, `time` and `slices` name
    columns; `more` is what `keel.yaml` may say further: `cluster`, `list`, `hidden`, `provenance`."""
    items = _rows(df, id)
    for column in [id, label, *([time] if time else []), *(slices or [])]:
        if items and not any(column in item for item in items):
            raise KeyError(f'No row has a column "{column}".')
    file = more.pop("file", f"{name}.jsonl")
    fields = {"golden": name, "file": file, "id": id, "label": label, "time": time, "slices": slices and list(slices), **more}
    definition = {key: value for key, value in fields.items() if value is not None}
    return dict(call("PUT", _at("golden", name), {"definition": definition, "items": items}))


def golden_items(name: str, version: Optional[int] = None) -> List[Row]:
    """The items of a golden set that you may see."""
    return [row["item"] for row in _paged(_at("golden", name, "items"), {"version": version})]


def register(
    model: str,
    mlflow_model: Union[str, int, Any, None] = None,
    file: Optional[str] = None,
    signature: Optional[Mapping[str, Any]] = None,
    train: Optional[Rows] = None,
    label: Optional[str] = None,
    time: Optional[str] = None,
    **more: Any,
) -> Version:
    """A version with what it was trained on. `mlflow_model` is one that MLflow's client registered (`"models:/churn/7"`, its
    number, or what `log_model` gave); `file` an ONNX file or a folder that MLflow saved, which becomes a new version.
    `train` is a DataFrame, rows, or a .parquet, .csv or .jsonl file; `label` and `time` are columns of it. `more`:
    `description`, `service`, `run`, `code`, `tags`."""
    if (mlflow_model is None) == (file is None):
        raise TypeError("Say which model: mlflow_model= or file=.")
    training_set = None if train is None else _import_training_set(train, label, time)
    if file is None:
        number = getattr(mlflow_model, "registered_model_version", mlflow_model)
        version = Version(model, int(str(number))) if str(number).isdigit() else _version(str(number))
        if version.model != model:
            raise ValueError(f'"{version}" is no version of "{model}".')
        if training_set is not None:
            call("PUT", _at("models", version.model, "versions", version.number, "training-set"), {"trainingSet": training_set})
        else:
            call("GET", _at("models", version.model, "versions", version.number))
        return version
    try:
        call("GET", _at("models", model))
    except KeelError as error:
        if error.code != "not_found":
            raise
        call("POST", "/models", {"name": model})
    places = _files(file)
    flavor = "mlflow" if any(path == "MLmodel" for path, _ in places) else "onnx"
    fields = {"flavor": flavor, "artifact": _artifact(places), "signature": signature, "trainingSet": training_set, **more}
    made = call("POST", _at("models", model, "versions"), fields)
    for warning in made.get("warnings") or []:
        _warn("%s@%s: %s", model, made["version"], warning)
    return Version(model, int(made["version"]))
