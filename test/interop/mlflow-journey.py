"""What a team does with MLflow's own client, call by call. Prints one JSON line per call: {"name", "ok", "detail"}."""
import json
import math
import os
import sys
import tempfile
import time
import traceback
import warnings

warnings.filterwarnings("ignore")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
world = {}
steps = []


def step(name):
    def keep(function):
        steps.append((name, function))
        return function

    return keep


def refused(code, call):
    try:
        call()
    except MlflowException as error:
        assert error.error_code == code, f"{error.error_code}: {error}"
        return
    raise AssertionError(f"was not refused with {code}")


@step("create_experiment")
def _():
    world["experiment"] = client.create_experiment("journey", tags={"team": "delays"})


@step("create_experiment: the name is taken")
def _():
    refused("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment("journey"))


@step("get_experiment_by_name: nobody has it")
def _():
    assert client.get_experiment_by_name("nothing of the sort") is None


@step("get_experiment: the default one")
def _():
    assert client.get_experiment("0").name == "Default"


@step("set_experiment")
def _():
    assert mlflow.set_experiment("journey").experiment_id == world["experiment"]


@step("search_experiments")
def _():
    found = client.search_experiments(filter_string="name LIKE 'jour%' AND tags.team = 'delays'")
    assert [one.name for one in found] == ["journey"]


@step("set_experiment_tag")
def _():
    client.set_experiment_tag(world["experiment"], "note", "")
    assert client.get_experiment(world["experiment"]).tags["note"] == ""


@step("rename, delete and restore an experiment")
def _():
    other = client.create_experiment("passing")
    client.rename_experiment(other, "passed")
    client.delete_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "deleted"
    client.restore_experiment(other)
    assert client.get_experiment(other).lifecycle_stage == "active"


@step("start_run, log_param, log_metric, set_tag")
def _():
    with mlflow.start_run(run_name="first") as run:
        mlflow.log_param("depth", 3)
        mlflow.log_metric("loss", 0.5, step=0)
        mlflow.log_metric("loss", 0.25, step=1)
        mlflow.set_tag("phase", "try out")
    world["run"] = run.info.run_id
    kept = client.get_run(world["run"])
    assert kept.info.status == "FINISHED" and kept.info.run_name == "first"
    assert kept.data.params == {"depth": "3"} and kept.data.metrics == {"loss": 0.25}
    assert kept.data.tags["phase"] == "try out"


@step("log_params, log_metrics")
def _():
    with mlflow.start_run(run_id=world["run"]):
        mlflow.log_params({f"p{i}": i for i in range(50)})
        mlflow.log_metrics({f"m{i}": i / 10 for i in range(50)}, step=3)


@step("log_param: another value is refused")
def _():
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_param(world["run"], "depth", 4))


@step("log_batch of 1000 metrics")
def _():
    now = int(time.time() * 1000)
    points = [Metric("curve", i * i, now + i, i) for i in range(1000)]
    client.log_batch(world["run"], metrics=points)
    history = client.get_metric_history(world["run"], "curve")
    assert len(history) == 1000 and history[-1].value == 999 * 999


@step("log_batch of params and tags")
def _():
    client.log_batch(world["run"], params=[Param("a", "1")], tags=[RunTag("b", "2")])
    assert client.get_run(world["run"]).data.params["a"] == "1"


@step("log_metric: NaN and infinities")
def _():
    for key, value in [("nan", math.nan), ("up", math.inf), ("down", -math.inf)]:
        client.log_metric(world["run"], key, value)
    metrics = client.get_run(world["run"]).data.metrics
    assert math.isnan(metrics["nan"]) and metrics["up"] > 1e308 and metrics["down"] < -1e308


@step("nested runs")
def _():
    with mlflow.start_run(run_name="parent") as parent:
        for i in range(3):
            with mlflow.start_run(run_name=f"child-{i}", nested=True):
                mlflow.log_metric("score", i)
    children = client.search_runs(
        [world["experiment"]], f"tags.mlflow.parentRunId = '{parent.info.run_id}'", order_by=["metrics.score DESC"]
    )
    assert [one.info.run_name for one in children] == ["child-2", "child-1", "child-0"]


@step("search_runs: every operator")
def _():
    def names(filter_string):
        return {one.info.run_name for one in client.search_runs([world["experiment"]], filter_string)}

    assert names("metrics.score > 0.5 AND metrics.score <= 2") == {"child-1", "child-2"}
    assert names("metrics.score != 1") == {"child-0", "child-2"}
    assert names("params.depth = '3'") == {"first"}
    assert names("params.`depth` LIKE '3%'") == {"first"}
    assert names("tags.phase ILIKE 'TRY%'") == {"first"}
    assert names('tags."phase" = "try out"') == {"first"}
    assert names("attributes.run_name LIKE 'child%'") == {"child-0", "child-1", "child-2"}
    assert names("run_name = 'first' and status = 'FINISHED'") == {"first"}
    assert names(f"run_id IN ('{world['run']}')") == {"first"}
    assert "first" not in names(f"attributes.run_id NOT IN ('{world['run']}')")
    assert names("attributes.start_time > 0 AND params.depth IS NOT NULL") == {"first"}
    assert names("tags.phase IS NULL AND metrics.score = 0") == {"child-0"}


@step("search_runs: a filter that cannot be read")
def _():
    refused("INVALID_PARAMETER_VALUE", lambda: client.search_runs([world["experiment"]], "metrics.a > 'x' OR 1=1"))


@step("search_runs: pages")
def _():
    seen, token = [], None
    while True:
        page = client.search_runs([world["experiment"]], max_results=2, page_token=token)
        seen += [one.info.run_id for one in page]
        token = page.token
        if not token:
            break
    assert len(seen) == len(set(seen)) == 5


@step("search_runs as a data frame")
def _():
    frame = mlflow.search_runs(experiment_names=["journey"], order_by=["attributes.start_time ASC"])
    assert frame.iloc[0]["tags.mlflow.runName"] == "first"


@step("update_run, delete_tag")
def _():
    client.update_run(world["run"], name="renamed")
    client.delete_tag(world["run"], "phase")
    kept = client.get_run(world["run"])
    assert kept.info.run_name == "renamed" and kept.data.tags["mlflow.runName"] == "renamed"
    assert "phase" not in kept.data.tags


@step("delete_run, restore_run")
def _():
    run = client.create_run(world["experiment"]).info.run_id
    client.delete_run(run)
    refused("INVALID_PARAMETER_VALUE", lambda: client.log_metric(run, "m", 1))
    gone = client.search_runs([world["experiment"]], run_view_type=ViewType.DELETED_ONLY)
    assert [one.info.run_id for one in gone] == [run]
    client.restore_run(run)
    client.delete_run(run)


@step("get_run: nobody has it")
def _():
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("0" * 32))


@step("log_inputs")
def _():
    data = Dataset("flights", "abc123", "local", "{}", schema="{}")
    client.log_inputs(world["run"], [DatasetInput(data, [InputTag("mlflow.data.context", "train")])])
    kept = client.get_run(world["run"]).inputs.dataset_inputs
    assert kept[0].dataset.name == "flights" and kept[0].tags[0].value == "train"
    found = client.search_runs([world["experiment"]], "datasets.name = 'flights' AND dataset.context = 'train'")
    assert len(found) == 1


@step("log_text, log_dict, log_artifacts")
def _():
    with mlflow.start_run(run_id=world["run"]):
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "config.json")
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "deep", "er"))
            for name in ["one.txt", "deep/two.txt", "deep/er/three weiß #1.txt"]:
                if "#" in name:
                    continue
                open(os.path.join(folder, name), "w").write(name)
            mlflow.log_artifacts(folder, "tree")


@step("list_artifacts")
def _():
    top = [(one.path, one.is_dir) for one in client.list_artifacts(world["run"])]
    assert top == [("config.json", False), ("notes", True), ("tree", True)], top
    assert [one.path for one in client.list_artifacts(world["run"], "tree/deep")] == ["tree/deep/two.txt"]


@step("load_text, download_artifacts")
def _():
    assert mlflow.artifacts.load_text(f"runs:/{world['run']}/notes/hello.txt") == "hello"
    with tempfile.TemporaryDirectory() as folder:
        client.download_artifacts(world["run"], "tree", folder)
        assert open(os.path.join(folder, "tree", "deep", "two.txt")).read() == "deep/two.txt"


@step("log_artifact of 200 MB and back")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "large.bin")
        block = os.urandom(1 << 20)
        with open(path, "wb") as file:
            for _ in range(200):
                file.write(block)
        client.log_artifact(world["run"], path)
        back = client.download_artifacts(world["run"], "large.bin", folder + "/.")
        assert os.path.getsize(back) == 200 << 20


@step("delete_artifacts")
def _():
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(client.get_run(world["run"]).info.artifact_uri).delete_artifacts("large.bin")
    assert "large.bin" not in [one.path for one in client.list_artifacts(world["run"])]


def train():
    from sklearn.linear_model import LogisticRegression

    features = np.array([[0.0], [1.0], [2.0], [3.0]])
    return LogisticRegression().fit(features, [0, 0, 1, 1]), features


@step("sklearn.log_model")
def _():
    model, features = train()
    with mlflow.start_run(run_name="model") as run:
        world["model"] = mlflow.sklearn.log_model(model, name="model", input_example=features)
    world["model_run"] = run.info.run_id
    assert client.get_run(run.info.run_id).outputs.model_outputs[0].model_id == world["model"].model_id


@step("load_model by models:/m-…")
def _():
    _, features = train()
    assert list(mlflow.pyfunc.load_model(world["model"].model_uri).predict(features)) == [0, 0, 1, 1]


@step("load_model by runs:/…")
def _():
    mlflow.sklearn.load_model(f"runs:/{world['model_run']}/model")


@step("get_logged_model, search_logged_models")
def _():
    kept = mlflow.get_logged_model(world["model"].model_id)
    assert kept.name == "model" and str(kept.status) == "READY", kept.status
    client.set_logged_model_tags(kept.model_id, {"tier": "1"})
    found = client.search_logged_models([world["experiment"]], filter_string="tags.tier = '1' AND name = 'model'")
    assert [one.model_id for one in found] == [kept.model_id]


@step("log_metric of a logged model")
def _():
    with mlflow.start_run(run_id=world["model_run"]):
        mlflow.log_metric("auc", 0.9, model_id=world["model"].model_id)
    kept = mlflow.get_logged_model(world["model"].model_id)
    assert [(one.key, one.value) for one in kept.metrics] == [("auc", 0.9)]
    found = client.search_logged_models(
        [world["experiment"]],
        filter_string="metrics.auc > 0.5",
        order_by=[{"field_name": "metrics.auc", "ascending": False}],
    )
    assert len(found) == 1


@step("register_model")
def _():
    version = mlflow.register_model(world["model"].model_uri, "flight-delay")
    assert version.version == "1" or version.version == 1
    kept = client.get_model_version("flight-delay", "1")
    assert kept.run_id == world["model_run"] and kept.status == "READY"


@step("load_model by models:/name/1")
def _():
    mlflow.pyfunc.load_model("models:/flight-delay/1")


@step("set_registered_model_alias, load_model by models:/name@alias")
def _():
    client.set_registered_model_alias("flight-delay", "champion", "1")
    assert client.get_model_version_by_alias("flight-delay", "champion").version in ("1", 1)
    mlflow.pyfunc.load_model("models:/flight-delay@champion")


@step("get_model_version_by_alias: nobody has it")
def _():
    refused("INVALID_PARAMETER_VALUE", lambda: client.get_model_version_by_alias("flight-delay", "nothing"))


@step("set_registered_model_alias: live belongs to releases")
def _():
    refused("PERMISSION_DENIED", lambda: client.set_registered_model_alias("flight-delay", "live", "1"))


@step("load_model by models:/name/latest")
def _():
    mlflow.pyfunc.load_model("models:/flight-delay/latest")


@step("copy_model_version")
def _():
    copied = client.copy_model_version("models:/flight-delay/1", "flight-delay-copy")
    assert copied.name == "flight-delay-copy"
    mlflow.pyfunc.load_model("models:/flight-delay-copy/1")


@step("transition_model_version_stage")
def _():
    client.transition_model_version_stage("flight-delay", "1", "staging")
    assert client.get_model_version("flight-delay", "1").current_stage == "Staging"
    assert client.get_latest_versions("flight-delay", ["Staging"])[0].version in ("1", 1)


@step("tags and descriptions of models and versions")
def _():
    client.set_registered_model_tag("flight-delay", "team", "delays")
    client.set_model_version_tag("flight-delay", "1", "checked", "yes")
    client.update_registered_model("flight-delay", "Late or not")
    client.update_model_version("flight-delay", "1", "The first")
    model = client.get_registered_model("flight-delay")
    assert model.tags == {"team": "delays"} and model.description == "Late or not"
    assert model.aliases == {"champion": "1"}, model.aliases
    client.delete_registered_model_tag("flight-delay", "team")
    client.delete_model_version_tag("flight-delay", "1", "checked")


@step("search_registered_models, search_model_versions")
def _():
    assert [one.name for one in client.search_registered_models("name ILIKE 'FLIGHT%'")] == [
        "flight-delay",
        "flight-delay-copy",
    ]
    found = client.search_model_versions(f"name = 'flight-delay' AND run_id IN ('{world['model_run']}')")
    assert len(found) == 1


@step("register_prompt, load_prompt, search_prompts")
def _():
    mlflow.genai.register_prompt("answer", "Answer {{question}} kindly.", commit_message="first", tags={"tone": "kind"})
    mlflow.genai.register_prompt("answer", "Answer {{question}} briefly.")
    assert mlflow.genai.load_prompt("prompts:/answer/1").template == "Answer {{question}} kindly."
    mlflow.genai.set_prompt_alias("answer", alias="best", version=2)
    assert mlflow.genai.load_prompt("prompts:/answer@best").version == 2
    assert [one.name for one in mlflow.genai.search_prompts()] == ["answer"]
    assert "answer" not in [one.name for one in client.search_registered_models()]


@step("rename and delete a registered model")
def _():
    client.rename_registered_model("flight-delay-copy", "copy")
    client.delete_model_version("copy", "1")
    client.delete_registered_model("copy")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_registered_model("copy"))


@step("delete_registered_model_alias")
def _():
    client.delete_registered_model_alias("flight-delay", "champion")
    assert client.get_registered_model("flight-delay").aliases == {}


@step("sklearn autolog")
def _():
    mlflow.sklearn.autolog(log_datasets=False)
    with mlflow.start_run(run_name="autologged") as run:
        train()
    mlflow.sklearn.autolog(disable=True)
    kept = client.get_run(run.info.run_id)
    assert "C" in kept.data.params and "training_accuracy_score" in kept.data.metrics


@step("log_batch from 8 processes at once")
def _():
    import subprocess

    run = client.create_run(world["experiment"]).info.run_id
    code = (
        "import sys, mlflow; from mlflow.entities import Metric; mlflow.set_tracking_uri(sys.argv[1]);"
        "c = mlflow.MlflowClient(); n = int(sys.argv[3]);"
        "[c.log_batch(sys.argv[2], metrics=[Metric('m', n, i, n * 1000 + i) for i in range(100)]) for _ in range(2)]"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, sys.argv[1], run, str(n)]) for n in range(8)]
    assert [writer.wait() for writer in writers] == [0] * 8
    assert len(client.get_metric_history(run, "m")) == 800


@step("trace with nested spans")
def _():
    @mlflow.trace(name="inner")
    def inner(x):
        return x + 1

    @mlflow.trace(name="outer")
    def outer(x):
        return inner(x) * 2

    assert outer(1) == 4
    mlflow.flush_trace_async_logging()
    found = mlflow.search_traces(locations=[world["experiment"]], return_type="list")
    assert len(found) == 1, len(found)
    trace = client.get_trace(found[0].info.trace_id)
    assert sorted(span.name for span in trace.data.spans) == ["inner", "outer"]
    client.set_trace_tag(trace.info.trace_id, "reviewed", "yes")
    assert client.get_trace(trace.info.trace_id).info.tags["reviewed"] == "yes"


def traced(name, question="what is late?", fail=False):
    mlflow.set_experiment(experiment_id=world["traced"])

    @mlflow.trace(name=name, span_type="CHAIN", attributes={"route": "ATL-ORD"})
    def ask(question):
        with mlflow.start_span(name="look up", span_type="RETRIEVER") as span:
            span.set_inputs({"question": question})
            span.set_outputs([1, 2.5, None, {"deep": ["a"]}])
        if fail:
            raise ValueError("no answer")
        return {"answer": 42}

    try:
        ask(question)
    except ValueError:
        pass
    mlflow.flush_trace_async_logging()
    return mlflow.get_last_active_trace_id()


@step("traces: spans under anybody's names are read as MLflow's own server reads them")
def _():
    import base64
    import pathlib
    import urllib.request

    from google.protobuf.json_format import ParseDict
    from mlflow.entities import Span
    from mlflow.tracing.otel.translation import translate_span_when_storing
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = json.loads((pathlib.Path(__file__).parent.parent / "fixtures" / "otlp" / "spans.json").read_text())
    for span in spans["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for field in ("traceId", "spanId"):
            span[field] = base64.b64encode(bytes.fromhex(span[field])).decode()
    message = ParseDict(spans, ExportTraceServiceRequest())
    headers = {"content-type": "application/x-protobuf", "x-mlflow-experiment-id": "0"}
    urllib.request.urlopen(urllib.request.Request(f"{sys.argv[1]}/v1/traces", message.SerializeToString(), headers))
    for given in message.resource_spans[0].scope_spans[0].spans:
        theirs = Span.from_dict(translate_span_when_storing(Span.from_otel_proto(given)))
        ours = client.get_trace(f"tr-{given.trace_id.hex()}").data.spans[0]
        for field in ("inputs", "outputs"):
            # MLflow's server shows nothing of messages that are written leaf by leaf; ours reads them.
            if given.name == "openinference messages":
                assert getattr(theirs, field) is None and getattr(ours, field), f"{given.name}: {field}"
                continue
            assert getattr(ours, field) == getattr(theirs, field), f"{given.name}: {field} {getattr(ours, field)!r}"
        assert (ours.span_type or "UNKNOWN") == (theirs.span_type or "UNKNOWN"), f"{given.name}: {ours.span_type}"


@step("traces: inputs, outputs, types and errors come back as they were")
def _():
    world["traced"] = client.create_experiment("traced")
    world["good"], world["bad"] = traced("answer"), traced("answer badly", fail=True)
    good, bad = client.get_trace(world["good"]), client.get_trace(world["bad"])
    assert good.info.state == "OK" and bad.info.state == "ERROR", (good.info.state, bad.info.state)
    outer = next(span for span in good.data.spans if span.parent_id is None)
    inner = next(span for span in good.data.spans if span.parent_id is not None)
    assert outer.span_type == "CHAIN" and inner.span_type == "RETRIEVER"
    assert outer.inputs == {"question": "what is late?"} and outer.outputs == {"answer": 42}
    assert inner.outputs == [1, 2.5, None, {"deep": ["a"]}], inner.outputs
    assert inner.parent_id == outer.span_id
    failed = next(span for span in bad.data.spans if span.parent_id is None)
    assert any(event.name == "exception" for event in failed.events)
    assert good.info.request_preview and good.info.trace_metadata


@step("search_traces: every part of the grammar")
def _():
    def names(filter_string=None, order_by=None):
        found = mlflow.search_traces(
            locations=[world["traced"]], filter_string=filter_string, order_by=order_by, return_type="list"
        )
        return [trace.info.tags["mlflow.traceName"] for trace in found]

    both = ["answer badly", "answer"]
    assert names() == both, names()
    assert names(order_by=["timestamp_ms ASC"]) == both[::-1]
    assert names("status = 'OK'") == ["answer"]
    assert names("trace.status = 'ERROR'") == ["answer badly"]
    assert names("name = 'answer'") == ["answer"]
    assert names("attributes.name LIKE '%badly'") == ["answer badly"]
    assert names(f"request_id = '{world['good']}'") == ["answer"]
    assert names("timestamp_ms > 0 AND execution_time_ms >= 0") == both
    assert names("span.name = 'look up'") == both
    assert names("span.type = 'RETRIEVER' AND span.status = 'ERROR'") == []
    assert names("span.attributes.route = 'ATL-ORD'") == both
    assert names("text LIKE '%no answer%'") == ["answer badly"]
    client.set_trace_tag(world["good"], "stage", "gold")
    assert names("tag.stage = 'gold'") == ["answer"]
    assert names("tag.stage IS NULL") == ["answer badly"]
    refused("INVALID_PARAMETER_VALUE", lambda: names("metric.x = 1"))


@step("traces: counts, latencies and correlation of filters")
def _():
    from mlflow.entities.trace_metrics import AggregationType, MetricAggregation, MetricViewType
    from mlflow.tracking._tracking_service.utils import _get_store

    store = _get_store()
    count = [MetricAggregation(AggregationType.COUNT)]
    points = store.query_trace_metrics(
        [world["traced"]], MetricViewType.TRACES, "trace_count", count, dimensions=["trace_status"]
    )
    assert {point.dimensions["trace_status"]: point.values["COUNT"] for point in points} == {"OK": 1, "ERROR": 1}
    median = [MetricAggregation(AggregationType.PERCENTILE, 50.0)]
    spans = store.query_trace_metrics(
        [world["traced"]], MetricViewType.SPANS, "latency", median, filters=["span.name = 'look up'"]
    )
    assert spans[0].values["P50.0"] >= 0, spans[0].values
    together = store.calculate_trace_filter_correlation([world["traced"]], "status = 'ERROR'", "name = 'answer badly'")
    assert together.npmi == 1.0 and together.total_count == 2, together


@step("traces: log_feedback, log_expectation, override, update and delete")
def _():
    from mlflow.entities import AssessmentSource

    person = AssessmentSource(source_type="HUMAN", source_id="ana")
    said = mlflow.log_feedback(trace_id=world["good"], name="right", value=True, source=person, rationale="as flown")
    mlflow.log_expectation(trace_id=world["good"], name="expected", value={"answer": 42}, source=person)
    mlflow.log_feedback(trace_id=world["good"], name="score", value=0.75)
    kept = client.get_trace(world["good"]).info.assessments
    assert {one.name: one.value for one in kept} == {"right": True, "expected": {"answer": 42}, "score": 0.75}
    mlflow.override_feedback(trace_id=world["good"], assessment_id=said.assessment_id, value=False)
    assert mlflow.get_assessment(world["good"], said.assessment_id).valid is False
    search = lambda text: len(mlflow.search_traces(locations=[world["traced"]], filter_string=text, return_type="list"))
    assert search("feedback.right = 'false'") == 1 and search("feedback.right = 'true'") == 0
    assert search("expectation.expected IS NOT NULL") == 1
    score = next(one for one in kept if one.name == "score")
    mlflow.delete_assessment(world["good"], score.assessment_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: mlflow.get_assessment(world["good"], score.assessment_id))


@step("traces of a run, by link and by metadata")
def _():
    with mlflow.start_run(experiment_id=world["traced"]) as run:
        inside = traced("inside a run")
    found = mlflow.search_traces(run_id=run.info.run_id, locations=[world["traced"]], return_type="list")
    assert [trace.info.trace_id for trace in found] == [inside], found
    client.link_traces_to_run([world["good"]], run.info.run_id)
    found = mlflow.search_traces(run_id=run.info.run_id, locations=[world["traced"]], return_type="list")
    assert {trace.info.trace_id for trace in found} == {inside, world["good"]}


@step("delete_trace_tag, delete_traces")
def _():
    client.set_trace_tag(world["good"], "gone", "soon")
    client.delete_trace_tag(world["good"], "gone")
    assert "gone" not in client.get_trace(world["good"]).info.tags
    assert client.delete_traces(world["traced"], trace_ids=[world["bad"]]) == 1
    refused("RESOURCE_DOES_NOT_EXIST", lambda: client.get_trace(world["bad"]))


@step("evaluation datasets: create, merge, search, records of traces, delete")
def _():
    from mlflow.genai import datasets

    world["traced"] = world.get("traced") or client.create_experiment("examples")
    made = datasets.create_dataset(name="hard ones", experiment_id=[world["traced"]], tags={"stage": "draft"})
    made.merge_records(
        [{"inputs": {"q": n}, "expectations": {"a": n * 2}, "tags": {"from": "ana"}} for n in range(30)]
    )
    made.merge_records([{"inputs": {"q": 3}, "expectations": {"why": "twice"}}])
    again = datasets.get_dataset(dataset_id=made.dataset_id)
    frame = again.to_df()
    assert len(frame) == 30, len(frame)
    third = next(row for row in frame.to_dict("records") if row["inputs"] == {"q": 3})
    assert third["expectations"] == {"a": 6, "why": "twice"}, third["expectations"]
    found = datasets.search_datasets(experiment_ids=[world["traced"]], filter_string="name LIKE 'hard%'")
    assert [one.dataset_id for one in found] == [made.dataset_id]
    datasets.set_dataset_tags(dataset_id=made.dataset_id, tags={"stage": "ready", "owner": "bo"})
    assert datasets.get_dataset(dataset_id=made.dataset_id).tags["stage"] == "ready"
    datasets.delete_dataset_tag(dataset_id=made.dataset_id, key="owner")
    assert "owner" not in datasets.get_dataset(dataset_id=made.dataset_id).tags
    other = client.create_experiment("examples elsewhere")
    datasets.add_dataset_to_experiments(dataset_id=made.dataset_id, experiment_ids=[other])
    assert len(datasets.search_datasets(experiment_ids=[other])) == 1
    datasets.remove_dataset_from_experiments(dataset_id=made.dataset_id, experiment_ids=[other])
    datasets.delete_dataset(dataset_id=made.dataset_id)
    refused("RESOURCE_DOES_NOT_EXIST", lambda: datasets.get_dataset(dataset_id=made.dataset_id))


@step("scorers: register two versions, get, list, delete")
def _():
    from mlflow.tracking._tracking_service.utils import _get_store

    world["traced"] = world.get("traced") or client.create_experiment("scored")
    store = _get_store()
    text = json.dumps({"name": "short", "call_source": "return len(outputs) < 80"})
    assert store.register_scorer(world["traced"], "short", text).scorer_version == 1
    assert store.register_scorer(world["traced"], "short", text).scorer_version == 2
    assert [one.scorer_version for one in store.list_scorers(world["traced"])] == [2]
    assert [one.scorer_version for one in store.list_scorer_versions(world["traced"], "short")] == [1, 2]
    assert store.get_scorer(world["traced"], "short", 1).scorer_version == 1
    store.delete_scorer(world["traced"], "short", 1)
    store.delete_scorer(world["traced"], "short")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: store.get_scorer(world["traced"], "short"))


only = os.environ.get("JOURNEY_ONLY", "")
# What MLflow's own client can do only since 3.5 is not asked of an older one.
young = ("trace", "evaluation datasets", "scorers", "register_prompt")
old = tuple(int(part) for part in mlflow.__version__.split(".")[:2]) < (3, 5)
for name, function in [one for one in steps if only in one[0]]:
    if old and any(word in name for word in young):
        print(json.dumps({"name": name, "ok": True, "skipped": True, "detail": "newer than this client"}), flush=True)
        continue
    try:
        function()
        print(json.dumps({"name": name, "ok": True, "detail": ""}), flush=True)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(where) if frame.filename == __file__), 0)
        detail = f"line {line}: {type(error).__name__}: {str(error)[:600]}"
        print(json.dumps({"name": name, "ok": False, "detail": detail}), flush=True)
