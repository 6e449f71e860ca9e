"""A second opinion on metrics and intervals: scikit-learn and SciPy on the cases that come in as JSON lines."""

import json
import sys

import numpy as np
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression


def binary(case):
    y, p = np.array(case["labels"]), np.array(case["scores"])
    guess = (p >= 0.5).astype(int)
    return {
        "auc": metrics.roc_auc_score(y, p),
        "log_loss": metrics.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)),
        "brier": metrics.brier_score_loss(y, p),
        "accuracy": metrics.accuracy_score(y, guess),
        "precision": metrics.precision_score(y, guess),
        "recall": metrics.recall_score(y, guess),
        "f1": metrics.f1_score(y, guess),
        "bias": float(np.mean(p) - np.mean(y)),
    }


def multiclass(case):
    y, z = np.array(case["labels"]), np.array(case["scores"])
    return {
        "accuracy": metrics.accuracy_score(y, z),
        "f1_macro": metrics.f1_score(y, z, average="macro", zero_division=0),
        "f1_micro": metrics.f1_score(y, z, average="micro", zero_division=0),
        "f1_weighted": metrics.f1_score(y, z, average="weighted", zero_division=0),
        "balanced_accuracy": metrics.recall_score(
            y, z, labels=sorted(set(y)), average="macro", zero_division=0
        ),
        "kappa": metrics.cohen_kappa_score(y, z),
    }


def regression(case):
    y, p = np.array(case["labels"]), np.array(case["scores"])
    return {
        "mae": metrics.mean_absolute_error(y, p),
        "rmse": metrics.root_mean_squared_error(y, p),
        "r2": metrics.r2_score(y, p),
        "mape": metrics.mean_absolute_percentage_error(y, p),
        "bias": float(np.mean(p - y)),
    }


def ranking(case):
    y, s = np.array(case["labels"]), np.array(case["scores"])
    relevant = (y > 0).astype(int)
    one = np.zeros_like(relevant)
    if relevant.any():
        # Reciprocal rank is the label ranking precision of the best relevant item alone.
        best = max(np.flatnonzero(relevant), key=lambda i: s[i])
        one[best] = 1
    return {
        "ndcg": metrics.ndcg_score([y], [s]),
        "ndcg@5": metrics.ndcg_score([y], [s], k=5),
        "ndcg@10": metrics.ndcg_score([y], [s], k=10),
        "map": metrics.average_precision_score(relevant, s),
        "mrr": metrics.label_ranking_average_precision_score([one], [s]) if case["untied"] else None,
    }


def logistic(case):
    x, y = np.array(case["rows"]), np.array(case["labels"])
    fit = LogisticRegression(C=1 / case["l2"], tol=1e-12, max_iter=10000).fit(x, y)
    return {"weights": [float(fit.intercept_[0]), *map(float, fit.coef_[0])]}


def interval(case):
    k, n = case["successes"], case["n"]
    found = stats.binomtest(k, n).proportion_ci(0.95, "exact")
    wilson = stats.binomtest(k, n).proportion_ci(0.95, "wilson")
    d = np.array(case["differences"])
    t = stats.ttest_1samp(d, 0).confidence_interval(0.90)
    return {
        "exact": [found.low, found.high],
        "wilson": [wilson.low, wilson.high],
        "t": [t.low, t.high],
        "mcnemar": stats.binomtest(case["b"], case["b"] + case["c"]).pvalue,
    }


answer = {
    "binary": binary,
    "multiclass": multiclass,
    "regression": regression,
    "ranking": ranking,
    "logistic": logistic,
    "interval": interval,
}
for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(answer[case["kind"]](case), default=float))
