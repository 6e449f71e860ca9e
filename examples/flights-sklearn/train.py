"""Trains on data/train.csv and logs by MLflow's client. Arguments: further columns to learn from."""
import sys

import mlflow
import pandas
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

numbers = ["distance", "hour", "weekday", *sys.argv[1:]]
rows = pandas.read_csv("data/train.csv").astype({name: "float64" for name in numbers})
inputs, labels = rows[["origin", *numbers]], rows["late"]
prepare = make_column_transformer(
    (StandardScaler(), numbers), (OneHotEncoder(handle_unknown="ignore"), ["origin"])
)
with mlflow.start_run():
    model = make_pipeline(prepare, LogisticRegression(max_iter=1000)).fit(inputs, labels)
    mlflow.log_params({"inputs": ", ".join(inputs.columns)})
    mlflow.sklearn.log_model(
        model, name="model", registered_model_name="flight-late", input_example=inputs.head(3),
        serialization_format="cloudpickle",
    )
