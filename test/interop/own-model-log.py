"""What a user of MLflow writes anyway: a model of scikit-learn, logged and registered. Arguments: the server, a folder for the files."""

import sys
import mlflow
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

server, folder = sys.argv[1:3]
columns = ["mean texture", "mean smoothness", "mean symmetry", "texture error", "worst texture", "worst smoothness"]
data = load_breast_cancer(as_frame=True).frame[[*columns, "target"]]
train, golden = train_test_split(data, test_size=0.5, random_state=0)
train.to_csv(f"{folder}/train.csv", index=False)
golden.to_csv(f"{folder}/golden.csv", index_label="id")
mlflow.set_tracking_uri(server)
with mlflow.start_run():
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train[columns], train["target"])
    mlflow.sklearn.log_model(model, name="model", input_example=train[columns].head(3), registered_model_name="tumour")
chances = model.predict_proba(golden[columns])[:, 1]
rows = [dict(row, target=int(y), chance=float(p)) for row, y, p in zip(golden[columns].to_dict("records"), golden["target"], chances)]
print(__import__("json").dumps(rows))
