"""One scikit-learn model in several forms: for `mlflow models serve`, for MLServer, and as ONNX.

make-model.py FOLDER KIND writes FOLDER/mlflow, FOLDER/mlserver (the model `KIND` reads one tensor of all columns, `table`
one tensor for each), FOLDER/model.onnx and FOLDER/rows.json (columns, rows, and what scikit-learn itself answers for
them). KIND is what comes after a scaler: ridge, a linear model, or forest, 100 trees.
"""

import json
import sys
from pathlib import Path

import joblib
import mlflow.sklearn
import numpy
import pandas
from mlflow.models import infer_signature
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

kinds = {"ridge": Ridge, "forest": lambda: RandomForestRegressor(100, random_state=7)}
folder, kind = Path(sys.argv[1]), sys.argv[2]
columns = [f"x{index}" for index in range(10)]
random = numpy.random.default_rng(7)
table = pandas.DataFrame(random.normal(size=(2_000, len(columns))), columns=columns)
target = table.to_numpy() @ numpy.arange(1, 11) + random.normal(scale=0.1, size=len(table))
model = make_pipeline(StandardScaler(), kinds[kind]()).fit(table, target)

rows = table.head(100).round(4)
mlflow.sklearn.save_model(
    model,
    folder / "mlflow",
    signature=infer_signature(rows, model.predict(rows)),
    serialization_format="cloudpickle",
)

plain = make_pipeline(StandardScaler(), kinds[kind]()).fit(table.to_numpy(), target)
for name, form, extra in [(kind, plain, {}), ("table", model, {"content_type": "pd"})]:
    mlserver = folder / "mlserver" / name
    mlserver.mkdir(parents=True)
    joblib.dump(form, mlserver / "model.joblib")
    settings = {
        "name": name,
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": "1", **extra},
    }
    (mlserver / "model-settings.json").write_text(json.dumps(settings))

exported = to_onnx(model, initial_types=[(name, FloatTensorType([None, 1])) for name in columns], target_opset=15)
(folder / "model.onnx").write_bytes(exported.SerializeToString())

answers = model.predict(rows).tolist()
(folder / "rows.json").write_text(json.dumps({"columns": columns, "rows": rows.to_numpy().tolist(), "answers": answers}))
