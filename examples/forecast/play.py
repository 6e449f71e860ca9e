"""Eight weeks of a bakery: forecasts each night, sales that are known four days later. After five weeks the feature stops."""
import csv
import datetime
import pathlib
import random

SHOPS, DAYS, STOPS = 40, 56, 35
chance = random.Random(7)
monday = datetime.datetime(2026, 1, 5, 3, tzinfo=datetime.timezone.utc)
size = [chance.uniform(60, 180) for _ in range(SHOPS)]


def sold(shop, day):
    """Weekends sell more, and from the fifth week on spring does."""
    week = 1.25 if day % 7 in (5, 6) else 1.0
    spring = 1.0 + 0.008 * max(0, day - 30)
    return max(0, round(size[shop] * week * spring + chance.gauss(0, 6)))


def write(folder, day, rows):
    pathlib.Path(folder).mkdir(exist_ok=True)
    with open(f"{folder}/{day:02}.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)


history = {(shop, day): sold(shop, day) for shop in range(SHOPS) for day in range(-7, DAYS)}
for day in range(DAYS):
    at = monday + datetime.timedelta(days=day)
    # The model is fine: what this weekday sold a week ago. But the table behind it was filled for the last time on day 35.
    known = day if day < STOPS else STOPS - 7 + (day - STOPS) % 7
    forecasts = [("id", "at", "build", "loaves", "sold_last_week", "weekday")]
    sales = [("id", "at", "sold")]
    for shop in range(SHOPS):
        feature = history[shop, known - 7] if day < STOPS else history[shop, known]
        forecasts.append((f"{day}-{shop}", at.isoformat(), "v1", feature, feature, day % 7))
        sales.append((f"{day}-{shop}", (at + datetime.timedelta(days=4)).isoformat(), history[shop, day]))
    write("forecasts", day, forecasts)
    write("sales", day, sales)
