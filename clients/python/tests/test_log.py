"""The log of predictions where the server is slow, away or refuses: against doors that this test opens itself."""

import http.server
import json
import logging
import os
import threading
import time
import unittest

import keel_ml
from keel_ml._queue import _Log


class Door:
    """A server that answers what the test says, and keeps what it got."""

    def __init__(self, answer):
        self.got, self.calls = [], 0
        door = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                rows = json.loads(self.rfile.read(int(self.headers["content-length"])))["predictions"]
                door.calls += 1
                status = answer(door.calls, rows)
                if status == 200:
                    door.got.extend(row["id"] for row in rows)
                body = json.dumps({"code": "invalid_input", "detail": "no"}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        keel_ml.connect(f"http://127.0.0.1:{self.server.server_port}")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Log(unittest.TestCase):
    def setUp(self):
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)
        self.addCleanup(keel_ml.connect)

    def door(self, answer):
        door = Door(answer)
        self.addCleanup(door.close)
        return door

    def test_a_batch_that_the_server_could_not_take_is_sent_again_in_order(self):
        door = self.door(lambda calls, _: 503 if calls < 3 else 200)
        log = _Log(every=0.01)
        log.put("m", [{"id": str(index)} for index in range(5)])
        self.assertTrue(log.flush(10))
        self.assertEqual(door.got, ["0", "1", "2", "3", "4"])
        self.assertEqual((log.counts["failed"], log.counts["dropped"]), (2, 0))

    def test_one_row_that_is_refused_does_not_take_the_others_with_it(self):
        door = self.door(lambda _, rows: 400 if any(row["id"] == "bad" for row in rows) else 200)
        log = _Log(every=0.01)
        log.put("m", [{"id": id} for id in ["a", "b", "bad", "c"]])
        self.assertTrue(log.flush(10))
        self.assertEqual(sorted(door.got), ["a", "b", "c"])
        self.assertEqual((log.counts["sent"], log.counts["refused"]), (3, 1))

    def test_a_full_queue_drops_the_newest_counts_it_and_does_not_wait(self):
        gone = threading.Event()
        door = self.door(lambda *_: 200 if gone.wait(5) else 200)
        log = _Log(limit=10, every=0.01)
        began = time.monotonic()
        log.put("m", [{"id": str(index)} for index in range(25)])
        self.assertLess(time.monotonic() - began, 1)
        gone.set()
        self.assertTrue(log.flush(10))
        self.assertEqual(door.got, [str(index) for index in range(10)])
        self.assertEqual(log.counts["dropped"], 15)

    def test_without_a_server_the_function_answers_as_ever_and_flush_says_no(self):
        keel_ml.connect("http://127.0.0.1:9")

        @keel_ml.logged("m")
        def predict(row):
            return row["x"] * 2

        self.assertEqual(predict({"x": 2}), 4)
        self.assertFalse(keel_ml.flush(0.3))
        with keel_ml._queue._log.changed:
            keel_ml._queue._log.rows.clear()

    def test_batches_are_no_larger_than_they_may_be_and_each_model_has_its_own(self):
        sizes = []
        self.door(lambda _, rows: sizes.append(len(rows)) or 200)
        log = _Log(batch=10, every=0.01)
        log.put("a", [{"id": f"a{index}"} for index in range(15)])
        log.put("b", [{"id": f"b{index}"} for index in range(15)])
        self.assertTrue(log.flush(10))
        self.assertLessEqual(max(sizes), 10)
        self.assertEqual(log.counts["sent"], 30)

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork")
    def test_a_forked_worker_has_a_thread_and_rows_of_its_own(self):
        door = self.door(lambda *_: 200)
        keel_ml.log("m", [{"id": "parent", "output": 1}])
        child = os.fork()
        if child == 0:
            keel_ml.log("m", [{"id": "child", "output": 1}])
            os._exit(0 if keel_ml.flush(5) else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertTrue(keel_ml.flush(5))
        self.assertEqual(sorted(door.got), ["child", "parent"])


if __name__ == "__main__":
    unittest.main()
