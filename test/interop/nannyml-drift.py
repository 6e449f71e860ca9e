"""NannyML's own univariate drift of two Parquet files, the current one as a single chunk: one JSON line."""
import json
import sys

import nannyml
import pandas as pd

reference = pd.read_parquet(sys.argv[1])
current = pd.read_parquet(sys.argv[2])
calculator = nannyml.UnivariateDriftCalculator(
    column_names=list(reference.columns), chunk_size=len(current), continuous_methods=["jensen_shannon"],
    categorical_methods=["jensen_shannon"],
)
calculator.fit(reference)
table = calculator.calculate(current).filter(period="analysis").to_df()
columns = []
for column in reference.columns:
    found = table[column]["jensen_shannon"].iloc[0]
    columns.append({"column": column, "value": float(found["value"]), "threshold": float(found["upper_threshold"])})
print(json.dumps({"columns": columns}))
