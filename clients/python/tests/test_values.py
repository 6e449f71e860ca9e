"""What a value becomes; needs no server. Of numpy and pandas where they are installed."""

import datetime
import decimal
import unittest
import uuid

from keel_ml._values import _plain, _rows

try:
    import numpy
    import pandas
except ImportError:
    pandas = None


class Values(unittest.TestCase):
    def test_missing_is_null_and_integers_are_exact(self):
        given = {"a": float("nan"), "b": None, "c": 2**63 - 1, "d": decimal.Decimal("NaN"), "e": True}
        self.assertEqual(_plain(given), {"a": None, "b": None, "c": 9223372036854775807, "d": None, "e": True})

    def test_a_decimal_is_a_number(self):
        self.assertEqual(_plain([decimal.Decimal("0.1"), decimal.Decimal("9007199254740993")]), [0.1, 9007199254740993])

    def test_a_time_without_a_zone_is_utc_and_one_with_a_zone_becomes_utc(self):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        self.assertEqual(_plain(datetime.datetime(2026, 1, 2, 3)), "2026-01-02T03:00:00Z")
        self.assertEqual(_plain(datetime.datetime(2026, 1, 2, 3, tzinfo=zone)), "2026-01-02T01:00:00Z")
        self.assertEqual(_plain(datetime.date(2026, 1, 2)), "2026-01-02")

    def test_infinity_is_refused_by_row_and_column(self):
        with self.assertRaisesRegex(ValueError, 'row 2, column "x": infinity'):
            _rows([{"x": 1}, {"x": float("inf")}])

    def test_what_is_no_value_is_refused_by_name(self):
        with self.assertRaisesRegex(TypeError, 'row 1, column "x": a object is no value'):
            _rows([{"x": object()}])

    def test_the_log_takes_whatever_it_gets(self):
        given = [float("inf"), 2**60, uuid.UUID(int=1)]
        self.assertEqual(_plain(given, lenient=True), [None, str(2**60), "00000000-0000-0000-0000-000000000001"])

    @unittest.skipIf(pandas is None, "there is no pandas")
    def test_a_frame_of_pandas_with_all_its_kinds(self):
        frame = pandas.DataFrame(
            {
                "whole": pandas.array([2**62 + 1, None], dtype="Int64"),
                "part": numpy.array([0.5, numpy.nan]),
                "yes": [numpy.bool_(True), numpy.bool_(False)],
                "at": pandas.to_datetime(["2026-01-01T10:00:00+01:00", None], utc=True),
                "kind": pandas.Categorical(["a", None]),
            }
        )
        first, second = _rows(frame)
        self.assertEqual(first, {"whole": 2**62 + 1, "part": 0.5, "yes": True, "at": "2026-01-01T09:00:00Z", "kind": "a"})
        self.assertEqual(second, {"whole": None, "part": None, "yes": False, "at": None, "kind": None})
        self.assertEqual(_rows(frame[["part"]].rename_axis("id"), "id")[0], {"id": 0, "part": 0.5})
        self.assertEqual(_plain(numpy.datetime64("2026-01-01T10:00:00")), "2026-01-01T10:00:00Z")


if __name__ == "__main__":
    unittest.main()
