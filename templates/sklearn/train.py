"""Trains on a CSV file, and writes the model as ONNX with the names and types of its inputs."""
import argparse
import json
import pathlib

import pandas
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

INPUTS = ["age", "tenure", "calls"]
LABEL = "churned"

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
parser.add_argument("--c", type=float, default=1.0)
parser.add_argument("--out", type=pathlib.Path, required=True)
options = parser.parse_args()

rows = pandas.read_csv(options.data)
inputs, labels = rows[INPUTS].to_numpy("float32"), rows[LABEL]
model = make_pipeline(StandardScaler(), LogisticRegression(C=options.c))
auc = cross_val_score(model, inputs, labels, scoring="roc_auc").mean()
model.fit(inputs, labels)

options.out.mkdir(parents=True, exist_ok=True)
signature = {
    "inputs": [{"name": name, "type": "number"} for name in INPUTS],
    "columns": {"X": INPUTS},
    "output": {"name": "probabilities", "type": "number"},
}
(options.out / "model.onnx").write_bytes(
    to_onnx(model, inputs[:1], options={"zipmap": False}).SerializeToString()
)
(options.out / "signature.json").write_text(json.dumps(signature, indent=2))
(options.out / "metrics.json").write_text(json.dumps({"auc": auc}))
