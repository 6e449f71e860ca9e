"""Unmodified Python clients against this server's endpoints, and `mlflow models serve` itself beside it.

serving-clients.py OURS MLFLOW_SERVE ROWS: prints one JSON line per call: {"name", "ok", "detail"}.
"""
import json
import sys
import traceback
from urllib.parse import urlparse

import numpy as np
import pandas as pd
import requests
import tritonclient.http as oip
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from tritonclient.utils import InferenceServerException

ours, theirs, rows_file = sys.argv[1:4]
with open(rows_file) as file:
    known = json.load(file)
columns, rows, answers = known["columns"], known["rows"][:5], known["answers"][:5]
table = pd.DataFrame(rows, columns=columns)
scoring = f"{ours}/serve/ridge"
steps = []


def step(name):
    def keep(function):
        steps.append((name, function))
        return function

    return keep


def near(found, wanted=answers):
    np.testing.assert_allclose(np.ravel(np.asarray(found, dtype=float)), wanted, atol=1e-3)


def client(prefix):
    address = urlparse(prefix)
    made = ScoringServerClient(address.hostname, address.port)
    made.url_prefix = prefix
    return made


@step("mlflow's scoring client: ping, version")
def _():
    made = client(scoring)
    made.ping()
    return made.get_version()


@step("mlflow's scoring client: a data frame, an array and a table of columns")
def _():
    for prefix in [scoring, theirs]:
        made = client(prefix)
        near(made.invoke(table).get_predictions())
    near(client(scoring).invoke(table.to_numpy()).get_predictions())
    near(client(scoring).invoke(json.dumps({"inputs": table.to_dict(orient="list")})).get_predictions())


def post(url, form, kind="application/json"):
    body = form if isinstance(form, str) else json.dumps(form)
    return requests.post(f"{url}/invocations", data=body, headers={"content-type": kind}, timeout=30)


records = table.to_dict(orient="records")
forms = {
    "dataframe_split": ({"dataframe_split": {"columns": columns, "index": list(range(5)), "data": rows}}, "application/json"),
    "dataframe_records": ({"dataframe_records": records}, "application/json"),
    "instances": ({"instances": records}, "application/json"),
    "inputs": ({"inputs": {name: table[name].tolist() for name in columns}}, "application/json"),
    "CSV": (table.to_csv(index=False), "text/csv"),
}
for form, (body, kind) in forms.items():

    def same(body=body, kind=kind):
        replies = [post(url, body, kind) for url in [scoring, theirs]]
        assert [reply.status_code for reply in replies] == [200, 200], [reply.text for reply in replies]
        for reply in replies:
            assert list(reply.json()) == ["predictions"], reply.text
            near(reply.json()["predictions"])

    steps.append((f"{form}: what mlflow models serve answers", same))

refusals = {
    "no JSON": ("{", "application/json", 400),
    "no form": ({"rows": rows}, "application/json", 400),
    "two forms": ({"instances": records, "inputs": records}, "application/json", 400),
    "a column that is missing": ({"dataframe_records": [{"x0": 1.0}]}, "application/json", 400),
    "a text for a number": ({"dataframe_records": [{**records[0], "x0": "high"}]}, "application/json", 400),
    "another type": ("x", "text/plain", 415),
    "another charset": (json.dumps({"instances": records}), "application/json; charset=latin-1", 415),
}
for what, (body, kind, status) in refusals.items():

    def refused(body=body, kind=kind, status=status):
        replies = [post(url, body, kind) for url in [scoring, theirs]]
        assert [reply.status_code for reply in replies] == [status, status], [reply.text[:200] for reply in replies]

    steps.append((f"{what}: refused with {status}, as mlflow models serve does", refused))


def triton():
    return oip.InferenceServerClient(urlparse(ours).netloc)


def tensors(binary, datatype="FP64", kind=np.float64):
    made = []
    for index, name in enumerate(columns):
        tensor = oip.InferInput(name, [len(rows), 1], datatype)
        tensor.set_data_from_numpy(np.array([[row[index]] for row in rows], dtype=kind), binary_data=binary)
        made.append(tensor)
    return made


@step("tritonclient: a live and ready server, its metadata, a ready model and its metadata")
def _():
    with triton() as made:
        assert made.is_server_live() and made.is_server_ready()
        assert "binary_tensor_data" in made.get_server_metadata()["extensions"]
        assert made.is_model_ready("ridge") and made.is_model_ready("ridge", "1")
        assert not made.is_model_ready("nothing")
        metadata = made.get_model_metadata("ridge")
        assert [tensor["name"] for tensor in metadata["inputs"]] == columns, metadata


@step("tritonclient: tensors in JSON")
def _():
    with triton() as made:
        wanted = [oip.InferRequestedOutput("output", binary_data=False)]
        found = made.infer("ridge", tensors(False), outputs=wanted, request_id="from-triton")
        near(found.as_numpy("output"))
        assert found.get_response()["id"] == "from-triton"


@step("tritonclient: tensors in bytes, FP64 and FP32, and a version by its number")
def _():
    with triton() as made:
        wanted = [oip.InferRequestedOutput("output", binary_data=True)]
        near(made.infer("ridge", tensors(True), outputs=wanted).as_numpy("output"))
        near(made.infer("ridge", tensors(True, "FP32", np.float32), "1").as_numpy("output"))


@step("tritonclient: one tensor of all columns")
def _():
    with triton() as made:
        wide = oip.InferInput("predict", [len(rows), len(columns)], "FP64")
        wide.set_data_from_numpy(np.array(rows, dtype=np.float64))
        near(made.infer("ridge", [wide]).as_numpy("output"))


@step("tritonclient: many requests at once")
def _():
    made = oip.InferenceServerClient(urlparse(ours).netloc, concurrency=8)
    waiting = [made.async_infer("ridge", tensors(True)) for _ in range(40)]
    for request in waiting:
        near(request.get_result().as_numpy("output"))
    made.close()


@step("tritonclient: a compressed request and a compressed answer")
def _():
    with triton() as made:
        sent = {"request_compression_algorithm": "gzip", "response_compression_algorithm": "gzip"}
        near(made.infer("ridge", tensors(True), **sent).as_numpy("output"))


@step("tritonclient: a wrong tensor, output, version and model are refused by name")
def _():
    with triton() as made:
        for call in [
            lambda: made.infer("ridge", tensors(True)[1:]),
            lambda: made.infer("ridge", tensors(True), outputs=[oip.InferRequestedOutput("label")]),
            lambda: made.infer("ridge", tensors(True), "9"),
            lambda: made.infer("nothing", tensors(True)),
        ]:
            try:
                call()
            except InferenceServerException as error:
                assert error.status() in ("400", "404"), error
                assert '"' in error.message(), error
            else:
                raise AssertionError("it was answered")


@step("KServe's first protocol by requests")
def _():
    reply = requests.post(f"{ours}/v1/models/ridge:predict", json={"instances": rows}, timeout=30)
    near(reply.json()["predictions"])


for name, run in steps:
    try:
        detail = run()
        print(json.dumps({"name": name, "ok": True, "detail": detail or ""}), flush=True)
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"[:400]
        traceback.print_exc()
        print(json.dumps({"name": name, "ok": False, "detail": detail}), flush=True)
