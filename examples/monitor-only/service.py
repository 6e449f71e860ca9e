"""Your service as it is, with one line more: the middleware. Run by: uvicorn service:app"""
import math
from typing import Optional

import keel_ml as keel
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
app.add_middleware(keel.LoggedMiddleware, model="churn", path="/predict", release="2.1", output="chance")


class Customer(BaseModel):
    id: str
    tenure: float
    calls: Optional[float] = None


def chance(tenure, calls):
    """A call center that does not answer is taken for no calls at all: that is how it goes wrong in silence."""
    return 1 / (1 + math.exp(0.8 * tenure - 1.2 * (calls or 0.0) + 0.5))


@app.post("/predict")
def predict(customer: Customer):
    return {"chance": chance(customer.tenure, customer.calls)}
