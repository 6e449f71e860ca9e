"""OpenAI's own Python client against this server's endpoint `support-bot`, whose provider says back what it was asked.

serving-openai.py OURS TOKEN: prints one JSON line per call: {"name", "ok", "detail"}.
"""

import asyncio
import json
import sys
import traceback

import openai

ours, token = sys.argv[1:3]
settings = {"base_url": f"{ours}/v1", "api_key": token, "max_retries": 0, "timeout": 20}
client = openai.OpenAI(**settings)
bot = "support-bot"
steps = []


def step(name):
    def keep(function):
        steps.append((name, function))
        return function

    return keep


def asking(text):
    return {"model": bot, "messages": [{"role": "user", "content": text}]}


@step("models: listed and looked up")
def _():
    assert bot in [model.id for model in client.models.list()]
    assert client.models.retrieve(bot).owned_by == "evenkeel"


@step("chat: the answer, its usage, and the release that gave it")
def _():
    raw = client.chat.completions.with_raw_response.create(**asking("Are you open?"), user="ana")
    answer = raw.parse()
    assert answer.choices[0].message.content == "Answer briefly: Are you open?", answer
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 3), answer
    assert raw.headers["x-keel-prediction-id"], raw.headers
    return raw.headers["x-keel-release"]


@step("chat: a stream, piece by piece")
def _():
    pieces = [chunk.choices[0].delta.content for chunk in client.chat.completions.create(**asking("one two"), stream=True)]
    assert len(pieces) > 1 and "".join(pieces) == "Answer briefly: one two", pieces


@step("chat: a stream with its usage at the end")
def _():
    chunks = list(client.chat.completions.create(**asking("one"), stream=True, stream_options={"include_usage": True}))
    assert chunks[-1].usage.total_tokens == 15, chunks[-1]


@step("chat: what is to be said of an answer is in a header, and finish_reason stays the provider's")
def _():
    for text, mark in [("HALF of it", "cut_off"), ("REFUSED", "refused"), ("FILTERED", "filtered"), ("CALLS", "tool_call")]:
        raw = client.chat.completions.with_raw_response.create(**asking(text))
        assert raw.headers["x-keel-marks"] == mark, (text, raw.headers)
    assert raw.parse().choices[0].finish_reason == "tool_calls"
    assert "x-keel-marks" not in client.chat.completions.with_raw_response.create(**asking("one")).headers
    chunks = list(client.chat.completions.create(**asking("HALF of it"), stream=True))
    assert chunks[-1].choices[0].finish_reason == "length", chunks[-1]


@step("chat: two answers, whole and streamed")
def _():
    assert len(client.chat.completions.create(**asking("Red"), n=2).choices) == 2
    pieces = {}
    for chunk in client.chat.completions.create(**asking("Red"), n=2, stream=True):
        for choice in chunk.choices:
            pieces[choice.index] = pieces.get(choice.index, "") + (choice.delta.content or "")
    assert pieces == {0: "Answer briefly: Red", 1: "answer briefly: red"}, pieces


@step("chat: images beside the text, tools and their calls")
def _():
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,cGl4ZWxz"}}
    content = [{"type": "text", "text": "What is it?"}, image]
    answer = client.chat.completions.create(model=bot, messages=[{"role": "user", "content": content}])
    assert answer.choices[0].message.content == "Answer briefly: What is it? [image_url]", answer
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    called = client.chat.completions.with_raw_response.create(**asking("CALLS"), tools=tools)
    assert called.parse().choices[0].message.tool_calls[0].function.name == "look_up"
    assert "x-keel-marks" not in called.headers


@step("chat: what is not answered as it is asked is refused by its name")
def _():
    for name, more in [("modalities", {"modalities": ["text", "audio"]}), ("audio", {"audio": {"voice": "alloy", "format": "wav"}})]:
        try:
            client.chat.completions.create(**asking("x"), **more)
        except openai.BadRequestError as error:
            assert error.param == name, error
        else:
            raise AssertionError(f"{name} was taken")


@step("chat: many at once with the asynchronous client")
def _():
    async def all_of_them():
        async with openai.AsyncOpenAI(**settings) as made:
            return await asyncio.gather(*(made.chat.completions.create(**asking(f"n{n}")) for n in range(20)))

    for n, answer in enumerate(asyncio.run(all_of_them())):
        assert answer.choices[0].message.content == f"Answer briefly: n{n}", answer


@step("completions and embeddings")
def _():
    assert client.completions.create(model=bot, prompt="Hello").choices[0].text.endswith("Hello")
    assert client.embeddings.create(model=bot, input="Hello").data[0].embedding == [0.1, 0.2]


@step("errors are the client's own, by their kind")
def _():
    for kind, call in [
        (openai.NotFoundError, lambda: client.chat.completions.create(model="nobody", messages=[])),
        (openai.NotFoundError, lambda: client.models.retrieve("nobody")),
        (openai.BadRequestError, lambda: client.chat.completions.create(**asking("x"), n=0)),
        (openai.BadRequestError, lambda: client.chat.completions.create(**asking("TOO LONG"))),
        (openai.InternalServerError, lambda: client.chat.completions.create(**asking("GARBAGE"))),
        (openai.InternalServerError, lambda: client.chat.completions.create(**asking("UNAUTHORIZED"))),
    ]:
        try:
            call()
        except kind as error:
            assert error.body["message"], error
            assert "secret" not in str(error), error
        else:
            raise AssertionError(f"no {kind.__name__}")


@step("a stream that breaks off is an error, not an end")
def _():
    try:
        list(client.chat.completions.create(**asking("CUT here"), stream=True))
    except openai.APIStatusError:
        raise
    except openai.APIError as error:
        return type(error).__name__
    raise AssertionError("the stream ended as if it were whole")


for name, run in steps:
    try:
        print(json.dumps({"name": f"openai: {name}", "ok": True, "detail": run() or ""}), flush=True)
    except Exception as error:
        traceback.print_exc()
        detail = f"{type(error).__name__}: {error}"[:400]
        print(json.dumps({"name": f"openai: {name}", "ok": False, "detail": detail}), flush=True)
