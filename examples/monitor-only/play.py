"""Ten days that the service had before it was watched, from its own log; then today's requests. On day 8 "calls" goes missing."""
import csv
import datetime
import json
import math
import random
import time
import urllib.request

import keel_ml as keel

from service import chance

DAYS, OUTAGE, ROWS = 10, 7, 300
random.seed(5)
today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
outcomes = [("id", "at", "churned")]


def customer(id):
    row = {"id": id, "tenure": random.gauss(0, 1), "calls": abs(random.gauss(0, 1.5))}
    leaves = random.random() < 1 / (1 + math.exp(0.8 * row["tenure"] - 1.2 * row["calls"] + 0.5))
    return row, int(leaves)


for day in range(DAYS):
    rows = []
    for number in range(ROWS):
        row, churned = customer(f"{day}-{number}")
        at = today + datetime.timedelta(days=day - DAYS - 2, minutes=4 * number)
        if day >= OUTAGE:
            row["calls"] = None
        inputs = {"tenure": row["tenure"], "calls": row["calls"]}
        rows.append({"id": row["id"], "at": at, "release": "2.1", "output": chance(**inputs), "inputs": inputs})
        outcomes.append((row["id"], (at + datetime.timedelta(days=1)).isoformat(), churned))
    keel.log("churn", rows)
    keel.flush()
with open("outcomes.csv", "w", newline="") as file:
    csv.writer(file).writerows(outcomes)

for attempt in range(100):
    try:
        for number in range(20):
            body = json.dumps({**customer(f"today-{number}")[0], "calls": None}).encode()
            request = urllib.request.Request("http://127.0.0.1:8123/predict", body, {"content-type": "application/json"})
            urllib.request.urlopen(request, timeout=10).close()
        break
    except OSError:
        time.sleep(0.2)
print(keel.log_counts())
