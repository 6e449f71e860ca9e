"""Against a real server, by the code of the guide. KEEL_SERVER, KEEL_PROJECT and KEEL_LAUNCHER come from test/python/client.ts."""

import asyncio
import contextlib
import datetime
import inspect
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import keel_ml as keel

root = pathlib.Path(__file__).resolve().parents[3]
guide = root / "docs" / "guides" / "python.md"
url = os.environ["KEEL_SERVER"]
signature = {
    "inputs": [{"name": name, "type": "number"} for name in ("age", "tenure", "calls")],
    "output": {"name": "probability", "type": "number"},
}
model_file = root / "test" / "fixtures" / "models" / "label-and-probabilities.onnx"


def people(count, seed=1):
    """Rows that are the same each time."""
    state = seed
    for index in range(count):
        values = []
        for _ in range(4):
            state = (state * 1103515245 + 12345) % 2**31
            values.append(state / 2**30 - 1)
        yield {"id": f"p{index}", "age": values[0] * 2, "tenure": values[1], "calls": values[2], "luck": values[3]}


def labelled(count, right=True, seed=1):
    rows = list(people(count, seed))
    inputs = [{name: row[name] for name in ("age", "tenure", "calls")} for row in rows]
    answers = keel.predict_all("churn", inputs, version=1)
    happened = [(row.pop("luck") + 1) / 2 < answer for row, answer in zip(rows, answers)]
    return [{**row, "churned": int(one == right), "country": "de"} for row, one in zip(rows, happened)]


def keel_command(*words):
    launcher = json.loads(os.environ["KEEL_LAUNCHER"])
    found = subprocess.run([*launcher, *words], cwd=os.environ["KEEL_PROJECT"], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout


def eventually(check, seconds=5):
    until = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, keel.KeelError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def prediction(id):
    return eventually(lambda: keel.call("GET", f"/predictions/{id}"))


class Post:
    """One request to an ASGI app, without a server."""

    def __init__(self, app, body, path="/predict", headers=()):
        self.sent = []
        parts = [{"type": "http.request", "body": body[:5], "more_body": True}, {"type": "http.request", "body": body[5:]}]

        async def receive():
            return parts.pop(0)

        async def send(message):
            self.sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers)}
        asyncio.run(app(scope, receive, send))
        self.headers = dict(self.sent[0]["headers"])


async def asgi(scope, receive, send):
    """Reads a JSON row and answers with its chance."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message["body"], message.get("more_body", False)
    row = json.loads(body)
    if row.get("fail"):
        raise RuntimeError("the app itself")
    status = 422 if "age" not in row else 200
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps({"chance": 0.25}).encode()})


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keel.register("churn", file=str(model_file), signature=signature)
        cls.df = labelled(400)
        cls.df_train = [{key: row[key] for key in ("age", "tenure", "calls", "churned")} for row in labelled(300, seed=7)]
        keel.golden("churn-golden", cls.df, id="id", label="churned", slices=["country"])
        keel_command("apply")
        keel_command("data", "push", "trips", "trips.csv")

    def test_1_the_guide_works_as_it_stands(self):
        text = guide.read_text(encoding="utf-8")
        space = {"url": url, "signature": signature, "df": self.df, "df_train": self.df_train, "app": asgi}
        printed = io.StringIO()
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(printed):
            os.chdir(folder)
            try:
                pathlib.Path("model.onnx").write_bytes(model_file.read_bytes())
                for block in re.findall(r"^```python\n(.*?)^```", text, re.S | re.M):
                    version = keel.call("GET", "/models/churn/versions/1")
                    space["training_set_id"] = version["trainingSet"]
                    exec(compile(block, str(guide), "exec"), space)
            finally:
                os.chdir(here)
        said = printed.getvalue()
        self.assertIn("churn@2\n", said)
        self.assertRegex(said, r"churn@2: pass\..*\ncheck +verdict")
        self.assertIn("not_found churn@99", said)
        self.assertEqual(len(space["rows"]), 300)
        logged = prediction("a-1")
        self.assertEqual((logged["inputs"], logged["version"], logged["label"]), ({"age": 0.4}, 2, 1))
        self.assertEqual(prediction("b-1")["output"], 0.3)
        self.assertIn("<table><caption>churn@2: pass.", keel.gate("churn@2")._repr_html_())
        releases = keel.call("GET", "/models/churn/releases")["items"]
        self.assertEqual(releases[0]["version"], 2)

    def test_2_a_gate_that_cannot_tell_or_fails_says_which_and_in_a_ci_by_its_exit_code(self):
        inputs = [{name: row[name] for name in ("age", "tenure", "calls")} for row in people(12)]
        answers = keel.predict_all("churn", inputs, version=1)
        ordered = sorted(range(12), key=lambda index: answers[index])
        few = [{"id": f"f{rank}", **inputs[index], "churned": int(rank % 4 in (1, 2))} for rank, index in enumerate(ordered)]
        keel.golden("churn-golden", few, id="id", label="churned")
        with self.assertRaises(keel.CannotTell) as unsure:
            keel.gate(keel.Version("churn", 1))
        self.assertTrue(unsure.exception.gate.checks)
        keel.golden("churn-golden", labelled(400, right=False), id="id", label="churned")
        with self.assertRaises(keel.GateFailed):
            keel.gate("models:/churn/1")
        self.assertEqual(keel.gate("churn@1", raises=False).verdict, "fail")
        environment = {**os.environ, "PYTHONPATH": str(root / "clients" / "python")}
        words = [sys.executable, "-c", "import sys, keel_ml; sys.exit(keel_ml.main())", "churn@1"]
        self.assertEqual(subprocess.run(words, env=environment, capture_output=True).returncode, 3)

    def test_3_the_same_items_are_the_same_version_and_integers_come_back_exactly(self):
        rows = [{"id": 2**62 + index, "y": index % 2, "x": None if index else 0.5} for index in range(3)]
        first = keel.golden("exact", rows, id="id", label="y")
        self.assertEqual(keel.golden("exact", rows, id="id", label="y")["version"], first["version"])
        self.assertEqual([item["id"] for item in keel.golden_items("exact")], [row["id"] for row in rows])
        with self.assertRaisesRegex(KeyError, "nope"):
            keel.golden("exact", rows, id="id", label="nope")

    def test_3_a_version_of_another_model_is_not_registered(self):
        with self.assertRaisesRegex(ValueError, '"churn@1" is no version of "other"'):
            keel.register("other", mlflow_model="models:/churn/1")

    def test_4_a_table_of_a_function_is_one_prediction_for_each_row(self):
        @keel.logged("churn", id="key")
        def score(rows):
            return [row["x"] / 10 for row in rows]

        score([{"key": f"t-{index}", "x": index} for index in range(3)])
        self.assertTrue(keel.flush())
        self.assertEqual([prediction(f"t-{index}")["output"] for index in range(3)], [0, 0.1, 0.2])

    def test_5_an_exception_is_a_bad_answer_and_still_an_exception_also_of_async_functions(self):
        @keel.logged("churn", id="key")
        async def score(key, x):
            raise ZeroDivisionError(x)

        with self.assertRaises(ZeroDivisionError):
            asyncio.run(score("e-1", x=1))
        self.assertTrue(keel.flush())
        found = prediction("e-1")
        self.assertEqual((found["bad"], found["output"], found["inputs"]), ("error", None, {"x": 1}))

    def test_6_the_middleware_logs_what_an_app_answers_and_nothing_else(self):
        app = keel.LoggedMiddleware(asgi, "churn", release="3.0", output="chance")
        answer = Post(app, b'{"age": 3}')
        Post(app, b'{"age": 4, "id": "m-1"}')
        Post(app, b'{"age": 5}', headers=[(b"x-request-id", b"m-2")])
        Post(app, b'{"id": "m-3"}')
        with self.assertRaisesRegex(RuntimeError, "the app itself"):
            Post(app, b'{"fail": 1, "age": 1, "id": "m-4"}')
        Post(app, b'{"age": 6, "id": "m-5"}', path="/other")
        self.assertTrue(keel.flush())
        found = prediction(answer.headers[b"x-keel-id"].decode())
        self.assertEqual((found["inputs"], found["output"], found["release"]), ({"age": 3}, 0.25, "3.0"))
        self.assertEqual(prediction("m-1")["inputs"], {"age": 4})
        self.assertEqual(prediction("m-2")["inputs"], {"age": 5})
        self.assertEqual(prediction("m-4")["bad"], "error")
        for id in ("m-3", "m-5"):
            with self.assertRaises(keel.KeelError):
                keel.call("GET", f"/predictions/{id}")

    def test_7_what_a_process_logged_is_sent_when_it_ends(self):
        code = 'import keel_ml\nkeel_ml.log("churn", [{"id": "exit-1", "output": 0.5}])'
        environment = {**os.environ, "PYTHONPATH": str(root / "clients" / "python")}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        self.assertEqual(prediction("exit-1")["output"], 0.5)

    def test_7_what_a_service_logged_is_sent_before_its_server_ends(self):
        app = keel.LoggedMiddleware(asgi, "churn", release="3.0", output="chance")
        Post(app, b'{"age": 7, "id": "stop-1"}')
        found = []

        async def send(message):
            found.append((message["type"], prediction("stop-1")["output"]))

        async def served(scope, receive, send):
            await send({"type": "lifespan.shutdown.complete"})

        app.app = served
        asyncio.run(app({"type": "lifespan"}, None, send))
        self.assertEqual(found, [("lifespan.shutdown.complete", 0.25)])

    def test_8_integers_that_the_log_cannot_hold_exactly_are_texts_and_nothing_is_refused(self):
        before = keel.log_counts()["refused"]
        keel.log("churn", [{"id": "big-1", "output": float("nan"), "inputs": {"n": 2**60, "inf": float("inf")}}])
        self.assertTrue(keel.flush())
        self.assertEqual(prediction("big-1")["inputs"], {"n": str(2**60), "inf": None})
        self.assertEqual(keel.log_counts()["refused"], before)

    def test_8_what_is_nested_has_columns_of_its_own_and_a_request_is_no_input(self):
        class Request(dict):
            scope = {}

        @keel.logged("churn", id="id")
        def score(row, request):
            return 0.5

        score({"id": "nested-1", "who": {"age": 40}, "tags": ["a", 1]}, Request(type="http"))
        keel.log("churn", [{"id": "nested-2", "output": 1, "inputs": {"who": {"age": 41}}}])
        self.assertTrue(keel.flush())
        self.assertEqual(prediction("nested-1")["inputs"], {"who.age": 40, "tags": '["a", 1]'})
        self.assertEqual(prediction("nested-2")["inputs"], {"who.age": 41})

    def test_9_labels_in_numbers_are_told_at_once_and_no_other(self):
        told = keel.labels("churn", {f"l-{index}": index % 2 == 0 for index in range(5)})
        self.assertEqual(told, {"accepted": 5, "replaced": 0})
        with self.assertRaisesRegex(keel.KeelError, "must be 0 or 1"):
            keel.label("churn", "l-9", "yes")
        with self.assertRaisesRegex(TypeError, "a label is a number"):
            keel.label("churn", "l-9", None)

    def test_9_outcomes_are_told_of_predictions_and_of_users_once_each(self):
        told = keel.outcome("churn", "thumbs", True, prediction="l-1")
        self.assertEqual(told, {"accepted": 1, "replaced": 0})
        self.assertEqual(keel.outcome("churn", "thumbs", False, prediction="l-1")["replaced"], 1)
        at = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        rows = [{"id": f"o-{index}", "unit": index, "name": "revenue", "value": 1.5 * index, "at": at} for index in range(3)]
        self.assertEqual(keel.outcomes("churn", rows), {"accepted": 3, "replaced": 0})
        with self.assertRaisesRegex(keel.KeelError, 'column "id"'):
            keel.outcome("churn", "revenue", 1, unit="ann")

    def test_a_refusal_has_code_name_and_hint_and_a_server_that_is_away_says_so(self):
        with self.assertRaises(keel.KeelError) as refused:
            keel.rollback("nobody", reason="for a test")
        self.assertEqual((refused.exception.code, refused.exception.status), ("not_found", 404))
        keel.connect("http://127.0.0.1:9")
        try:
            with self.assertRaises(keel.KeelError) as away:
                keel.gate("churn@1")
        finally:
            keel.connect()
        self.assertEqual(away.exception.code, "unreachable")
        self.assertIn("keel up", away.exception.hint)

    def test_b_pytest_makes_cases_of_golden_items_and_judges_them_together(self):
        try:
            import pytest  # noqa: F401
        except ImportError:
            self.skipTest("there is no pytest")
        rows = [{"id": f"g{index}", "age": 1 if index % 2 else -1, "churned": index % 2} for index in range(60)]
        wrong = [{**row, "churned": 1 - row["churned"]} for row in rows]
        code = re.search(r"<!-- pytest -->\n```py\n(.*?)^```", guide.read_text(encoding="utf-8"), re.S | re.M)[1]
        for items, code_of_session, verdict in [(rows, 0, "pass"), (wrong, 1, "fail"), (rows[:6], 4, "cannot tell")]:
            keel.golden("churn-golden", items, id="id", label="churned")
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "test_it.py").write_text(code)
                environment = {**os.environ, "PYTHONPATH": str(root / "clients" / "python")}
                words = [sys.executable, "-m", "pytest", "-p", "keel_ml.pytest_plugin", "-q"]
                found = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
                self.assertEqual(found.returncode, code_of_session, found.stdout + found.stderr)
                self.assertIn(f"churn-golden: {verdict} (", found.stdout)

    def test_c_the_guide_has_every_function_as_its_docstring_says(self):
        text = guide.read_text(encoding="utf-8")
        wanted = reference()
        found = re.search(r"## Every function\n\n(.*?)<!-- end -->", text, re.S)[1]
        if os.environ.get("KEEL_WRITE"):
            guide.write_text(text.replace(f"## Every function\n\n{found}<!-- end -->", f"## Every function\n\n{wanted}<!-- end -->"))
            return
        self.assertEqual(found, wanted, "KEEL_WRITE=1 npm run test:python rewrites it")


def reference():
    lines = ["| function | what it does |", "| --- | --- |"]
    for name in sorted(keel.__all__):
        thing = getattr(keel, name)
        words = " ".join((inspect.getdoc(thing) or "").split()).replace("|", "\\|")
        is_error = isinstance(thing, type) and issubclass(thing, Exception)
        shape = thing.__init__ if name == "LoggedMiddleware" else thing
        names = [] if is_error or name in ("Gate", "Version") else [one for one in inspect.signature(shape).parameters if one not in ("self", "more", "argv")]
        lines.append(f"| `{name}{'' if is_error or name in ('Gate', 'Version') else '(' + ', '.join(names) + ')'}` | {words} |")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    unittest.main()
