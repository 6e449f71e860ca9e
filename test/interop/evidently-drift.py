"""Evidently's own report on two Parquet files: one JSON line with its time, its memory and its drift values."""
import json
import resource
import sys
import time

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

started = time.time()
reference = pd.read_parquet(sys.argv[1])
current = pd.read_parquet(sys.argv[2])
report = json.loads(Report([DataDriftPreset()]).run(current, reference).json())
columns = [
    {"column": metric["config"]["column"], "test": metric["config"]["method"], "value": float(metric["value"])}
    for metric in report["metrics"]
    if metric["config"].get("column")
]
print(
    json.dumps(
        {
            "seconds": time.time() - started,
            "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "columns": columns,
        }
    )
)
