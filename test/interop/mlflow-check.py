"""Looks, through MLflow's own client, whether everything that mlflow-make.py wrote is there."""

import math
import sys

import mlflow
import numpy as np
from mlflow.entities import ViewType

mlflow.set_tracking_uri(sys.argv[1])
client = mlflow.MlflowClient()

experiment = client.get_experiment_by_name("imported")
assert experiment.tags["team"] == "delays"
assert client.get_experiment_by_name("forgotten").lifecycle_stage == "deleted"

runs = client.search_runs([experiment.experiment_id], max_results=1000)
assert len(runs) == 42, len(runs)
gone = client.search_runs([experiment.experiment_id], run_view_type=ViewType.DELETED_ONLY)
assert [run.info.run_name for run in gone] == ["child-39"]
parent = next(run for run in runs if run.info.run_name == "parent")
children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
assert len(children) == 39

long = next(run for run in runs if run.info.run_name == "long")
assert len(long.data.params) == 30 and math.isnan(long.data.metrics["odd"]) and long.data.metrics["huge"] > 1e308
history = client.get_metric_history(long.info.run_id, "loss")
assert [point.step for point in history] == list(range(5000))
assert history[-1].value == 1 / 5000 and history[-1].timestamp == 1_700_000_004_999
assert long.inputs.dataset_inputs[0].dataset.name == "flights"
assert mlflow.artifacts.load_text(f"runs:/{long.info.run_id}/notes/deep/hello.txt") == "grüße"
sizes = {one.path: one.file_size for one in client.list_artifacts(long.info.run_id)}
assert sizes["block.bin"] == 20 << 20, sizes

assert {one.version for one in client.search_model_versions("name = 'delay'")} in ({"1", "2"}, {1, 2})
version = client.get_model_version_by_alias("delay", "champion")
assert str(version.version) == "2"
assert client.get_model_version("delay", "1").tags["checked"] == "yes"
assert client.get_model_version("delay", "1").current_stage == "Production"
for uri in ["models:/delay@champion", "models:/delay/1"]:
    assert list(mlflow.pyfunc.load_model(uri).predict(np.array([[0.0], [3.0]]))) == [0, 1]
assert mlflow.genai.load_prompt("prompts:/answer/1").template == "Answer {{question}} kindly."
