"""models-make.py FOLDER: exports models of several libraries as their users do, with each library's own answers; JSON on the last line."""
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

folder = Path(sys.argv[1])
rows_shown = 25
made, skipped = [], []


def plain(name):
    return name.split(" (")[0].replace(" ", "_").replace("/", "_")


def load(loader):
    data = loader()
    x = data.data.astype(np.float32)
    return x, data.target, [plain(name) for name in data.feature_names]


def keep(name, onnx, *, serves, inputs, rows, answers, labels=None, columns=None, output=None):
    """`answers` are the library's own; `labels` is what was true, for the gate."""
    (folder / f"{name}.onnx").write_bytes(onnx if isinstance(onnx, bytes) else onnx.SerializeToString())
    # Of several outputs the one that answers is named; exporters write it in a few ways that begin alike.
    named = {"binary": "probability", "multiclass": "label"}
    signature = {"inputs": inputs, "output": {"name": named.get(serves, "answer"), "type": "number", **(output or {})}}
    if columns is not None:
        signature["columns"] = columns
    to_list = lambda values: values.tolist() if hasattr(values, "tolist") else list(values)
    made.append({"name": name, "serves": serves, "signature": signature, "rows": rows, "answers": to_list(answers),
                 "labels": to_list(answers if labels is None else labels)})


def numbers(names):
    return [{"name": name, "type": "number"} for name in names]


def table(x, names):
    return [dict(zip(names, map(float, row))) for row in x]


def attempt(name, work):
    try:
        work()
    except Exception as error:  # noqa: BLE001: one library that does not work here stops no other
        skipped.append({"name": name, "reason": f"{type(error).__name__}: {error}"[:300]})


def sklearn_models():
    x, y, names = load(load_breast_cancer)
    some = slice(0, rows_shown)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    shared = dict(serves="binary", inputs=numbers(names), rows=table(x[some], names), labels=y[some],
                  answers=model.predict_proba(x[some])[:, 1])
    keep("sklearn-zipmap", to_onnx(model, x[:1]), columns={"X": names}, **shared)
    keep("sklearn-without-zipmap", to_onnx(model, x[:1], options={"zipmap": False}), columns=names, **shared)
    keep("sklearn-a-column-per-class", to_onnx(model, x[:1], options={"zipmap": "columns"}), columns=names,
         output={"name": "i1", "kind": "score"}, **shared)
    keep("sklearn-double", to_onnx(model, x[:1].astype(np.float64), options={"zipmap": False}), columns=names, **shared)

    for loader, name in ((load_iris, "iris"), (load_wine, "wine")):
        x, y, names = load(loader)
        some = np.random.default_rng(0).permutation(len(y))[:rows_shown]
        forest = RandomForestClassifier(20, random_state=0).fit(x, y)
        rows = table(x[some], names)
        keep(f"sklearn-{name}", to_onnx(forest, x[:1]), serves="multiclass", inputs=numbers(names), columns=names,
             rows=rows, answers=forest.predict(x[some]))
        words = RandomForestClassifier(20, random_state=0).fit(x, np.array(["red", "green", "blue"])[y])
        keep(f"sklearn-{name}-words", to_onnx(words, x[:1]), serves="multiclass", inputs=numbers(names), columns=names,
             rows=rows, answers=words.predict(x[some]))

    x, y, names = load(load_diabetes)
    regressor = GradientBoostingRegressor(n_estimators=20, random_state=0).fit(x, y)
    keep("sklearn-regressor", to_onnx(regressor, x[:1]), serves="regression", inputs=numbers(names), columns=names,
         rows=table(x[:rows_shown], names), answers=regressor.predict(x[:rows_shown]))


def sklearn_categories():
    x, y, _ = load(load_breast_cancer)
    frame = pd.DataFrame({"mean radius": x[:, 0], "site": np.array(["007", "7", "Ulm"])[np.arange(len(y)) % 3],
                          "visits": np.arange(len(y)) % 5})
    columns = ColumnTransformer([("words", OneHotEncoder(), ["site"]), ("numbers", StandardScaler(), ["mean radius", "visits"])])
    pipeline = make_pipeline(columns, LogisticRegression()).fit(frame, y)
    types = [("mean radius", FloatTensorType([None, 1])), ("site", StringTensorType([None, 1])),
             ("visits", Int64TensorType([None, 1]))]
    rows = frame[:rows_shown].rename(columns={"mean radius": "mean_radius"}).to_dict(orient="records")
    inputs = [{"name": "mean_radius", "type": "number"}, {"name": "site", "type": "string"},
              {"name": "visits", "type": "integer"}]
    keep("sklearn-categories", to_onnx(pipeline, initial_types=types), serves="binary", inputs=inputs,
         rows=rows, labels=y[:rows_shown],
         answers=pipeline.predict_proba(frame[:rows_shown])[:, 1])


def boosted(kind):
    from onnxmltools import convert_lightgbm, convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType as Float

    if kind == "lightgbm":
        import lightgbm
        classifier, regressor = lightgbm.LGBMClassifier, lightgbm.LGBMRegressor
        options, convert = dict(n_estimators=20, verbose=-1), convert_lightgbm
    else:
        import xgboost
        classifier, regressor = xgboost.XGBClassifier, xgboost.XGBRegressor
        options, convert = dict(n_estimators=20), convert_xgboost
    x, y, names = load(load_breast_cancer)
    some = slice(0, rows_shown)
    model = classifier(**options).fit(x, y)
    keep(f"{kind}-classifier", convert(model, initial_types=[("input", Float([None, x.shape[1]]))]), serves="binary",
         inputs=numbers(names), columns=names, rows=table(x[some], names), labels=y[some],
         answers=model.predict_proba(x[some])[:, 1])
    x, y, names = load(load_wine)
    model = classifier(**options).fit(x, y)
    keep(f"{kind}-wine", convert(model, initial_types=[("input", Float([None, x.shape[1]]))]), serves="multiclass",
         inputs=numbers(names), columns=names, rows=table(x[60:60 + rows_shown], names),
         answers=model.predict(x[60:60 + rows_shown]))
    x, y, names = load(load_diabetes)
    model = regressor(**options).fit(x, y)
    keep(f"{kind}-regressor", convert(model, initial_types=[("input", Float([None, x.shape[1]]))]), serves="regression",
         inputs=numbers(names), columns=names, rows=table(x[some], names), answers=model.predict(x[some]))


def small_network(x, y):
    """Weights of a small network, fitted by scikit-learn."""
    from sklearn.neural_network import MLPClassifier
    network = MLPClassifier((8,), max_iter=300, random_state=0).fit((x - x.mean(0)) / x.std(0), y)
    (first, second), (bias, last) = network.coefs_, network.intercepts_
    first, bias = first / x.std(0)[:, None], bias - (x.mean(0) / x.std(0)) @ first
    return [array.astype(np.float32) for array in (first, bias, second, last)]


def torch_models():
    import torch
    x, y, names = load(load_breast_cancer)
    first, bias, second, last = small_network(x, y)
    model = torch.nn.Sequential(torch.nn.Linear(x.shape[1], 8), torch.nn.ReLU(), torch.nn.Linear(8, 1), torch.nn.Sigmoid())
    with torch.no_grad():
        for layer, weight, offset in ((model[0], first, bias), (model[2], second, last)):
            layer.weight.copy_(torch.from_numpy(weight.T.copy()))
            layer.bias.copy_(torch.from_numpy(offset))
        answers = model(torch.from_numpy(x[:rows_shown])).numpy()[:, 0]
    for name, axes in (("torch-one-row", None), ("torch-free-batch", {"input": {0: "N"}, "output": {0: "N"}})):
        path = folder / f"{name}.onnx"
        torch.onnx.export(model, torch.from_numpy(x[:1]), str(path), input_names=["input"], output_names=["output"],
                          dynamic_axes=axes, dynamo=False)
        keep(name, path.read_bytes(), serves="binary", inputs=numbers(names), columns=names,
             rows=table(x[:rows_shown], names), labels=y[:rows_shown], answers=answers)


def network_by_hand():
    """The same graph as PyTorch writes for one example: a batch of exactly one row."""
    from onnx import TensorProto, helper, numpy_helper
    x, y, names = load(load_breast_cancer)
    weights = small_network(x, y)
    constants = [numpy_helper.from_array(array, name) for array, name in zip(weights, ("w1", "b1", "w2", "b2"))]
    nodes = [helper.make_node("Gemm", ["input", "w1", "b1"], ["a"]), helper.make_node("Relu", ["a"], ["b"]),
             helper.make_node("Gemm", ["b", "w2", "b2"], ["c"]), helper.make_node("Sigmoid", ["c"], ["output"])]
    info = lambda name, width: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])
    graph = helper.make_graph(nodes, "network", [info("input", x.shape[1])], [info("output", 1)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    first, bias, second, last = [array.astype(np.float64) for array in weights]
    hidden = np.maximum(x[:rows_shown].astype(np.float64) @ first + bias, 0)
    answers = (1 / (1 + np.exp(-(hidden @ second + last))))[:, 0]
    keep("network-of-one-row", model, serves="binary", inputs=numbers(names), columns=names,
         rows=table(x[:rows_shown], names), labels=y[:rows_shown], answers=answers)


folder.mkdir(parents=True, exist_ok=True)
attempt("scikit-learn", sklearn_models)
attempt("scikit-learn with categories", sklearn_categories)
attempt("LightGBM", lambda: boosted("lightgbm"))
attempt("XGBoost", lambda: boosted("xgboost"))
attempt("PyTorch", torch_models)
attempt("a network by hand", network_by_hand)
print(json.dumps({"made": made, "skipped": skipped}))
