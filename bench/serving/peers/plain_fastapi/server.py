"""FastAPI, `async def`, pydantic in and out, one `session.run` a request."""

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from bench.serving.peers.graph import LABELS, PORT, Graph


class Data(BaseModel):
    """An item's fields."""

    text: str


class Item(BaseModel):
    """One item to score."""

    item_id: str
    data: Data


class Call(BaseModel):
    """The request."""

    items: list[Item]


class Prediction(BaseModel):
    """One item's answer."""

    item_id: str
    label: str
    confidence: float
    probabilities: dict[str, float]


class Answer(BaseModel):
    """The response."""

    predictions: list[Prediction]


app = FastAPI()
graph = Graph()


@app.post("/predict")
async def predict(call: Call) -> Answer:
    """Score the items."""
    rows = graph.run([item.data.text for item in call.items]).tolist()
    return Answer(
        predictions=[
            Prediction(
                item_id=item.item_id,
                label=LABELS[row[1] > row[0]],
                confidence=max(row),
                probabilities=dict(zip(LABELS, row, strict=True)),
            )
            for item, row in zip(call.items, rows, strict=True)
        ]
    )


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, access_log=False, log_level="warning")
