"""Fills an MLflow, through its own client, with some of everything that an import has to take over."""

import os
import sys
import tempfile

import mlflow
import numpy as np
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()

mlflow.set_experiment("imported")
experiment = client.get_experiment_by_name("imported").experiment_id
client.set_experiment_tag(experiment, "team", "delays")
client.delete_experiment(client.create_experiment("forgotten"))

with mlflow.start_run(run_name="long") as run:
    mlflow.log_params({f"p{i}": i for i in range(30)})
    for start in range(0, 5000, 1000):
        points = [Metric("loss", 1 / (i + 1), 1_700_000_000_000 + i, i) for i in range(start, start + 1000)]
        client.log_batch(run.info.run_id, metrics=points)
    mlflow.log_metric("odd", float("nan"))
    mlflow.log_metric("huge", float("inf"))
    mlflow.log_text("grüße", "notes/deep/hello.txt")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "block.bin")
        with open(path, "wb") as file:
            file.write(os.urandom(20 << 20))
        mlflow.log_artifact(path)
    data = Dataset("flights", "abc123", "local", "{}", schema="{}")
    client.log_inputs(run.info.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])

with mlflow.start_run(run_name="parent"):
    for i in range(40):
        with mlflow.start_run(run_name=f"child-{i}", nested=True) as child:
            client.log_batch(
                child.info.run_id,
                metrics=[Metric("score", i, 1_700_000_000_000, 0)],
                params=[Param("i", str(i))],
                tags=[RunTag("even", str(i % 2 == 0))],
            )
            if i % 10 == 0:
                mlflow.log_text(str(i), "i.txt")
client.delete_run(child.info.run_id)

features = np.array([[0.0], [1.0], [2.0], [3.0]])
with mlflow.start_run(run_name="trained"):
    for _ in range(2):
        logged = mlflow.sklearn.log_model(LogisticRegression().fit(features, [0, 0, 1, 1]), name="model")
        mlflow.register_model(logged.model_uri, "delay")
client.set_registered_model_tag("delay", "team", "delays")
client.set_registered_model_alias("delay", "champion", "2")
client.set_model_version_tag("delay", "1", "checked", "yes")
client.transition_model_version_stage("delay", "1", "Production")
mlflow.genai.register_prompt("answer", "Answer {{question}} kindly.")
