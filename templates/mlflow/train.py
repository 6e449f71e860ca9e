"""Trains as you do today; MLflow's client logs to Evenkeel: MLFLOW_TRACKING_URI=http://127.0.0.1:5335 python train.py"""
import mlflow
import pandas
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

rows = pandas.read_csv("data/train.csv")
inputs, labels = rows[["age", "tenure", "calls"]].astype("float64"), rows["churned"]
model = make_pipeline(StandardScaler(), LogisticRegression())

mlflow.set_experiment("churn")
with mlflow.start_run():
    mlflow.log_metric("auc", cross_val_score(model, inputs, labels, scoring="roc_auc").mean())
    model.fit(inputs, labels)
    mlflow.sklearn.log_model(model, name="model", registered_model_name="churn", input_example=inputs.head(3))
