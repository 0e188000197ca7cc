"""Uses Ibid as the official OpenAI client does:  client.py BASE_URL KEY

Any other key must be refused. Ends with 0 and says "ok" if all holds.
"""

import base64
import math
import struct
import sys

import openai
from openai import OpenAI

QUESTION = [
    {"role": "system", "content": "You answer from the documents."},
    {"role": "user", "content": [{"type": "text", "text": "When does the bakery open?"}]},
]
DIMENSIONS = 384


def models(client):
    names = [model.id for model in client.models.list()]
    assert "ibid" in names, names
    assert client.models.list().data[0].object == "model"


def embeddings(client):
    texts = ["a lighthouse", "a ferry"]
    floats = client.embeddings.create(model="ibid", input=texts, encoding_format="float")
    assert [item.index for item in floats.data] == [0, 1], floats
    assert all(len(item.embedding) == DIMENSIONS for item in floats.data)
    assert floats.usage.total_tokens > 0, floats.usage
    # Without a format the client asks for base64 and decodes it.
    decoded = client.embeddings.create(model="ibid", input=texts)
    assert all(same(a.embedding, b.embedding) for a, b in zip(floats.data, decoded.data))
    raw = client.embeddings.create(model="ibid", input=texts[0], encoding_format="base64").data[0].embedding
    assert same(struct.unpack(f"<{DIMENSIONS}f", base64.b64decode(raw)), floats.data[0].embedding)


def same(one, other):
    return len(one) == len(other) and all(math.isclose(a, b, abs_tol=1e-5) for a, b in zip(one, other))


def chat(client):
    completion = client.chat.completions.create(
        model="ibid", messages=QUESTION, temperature=0.2, max_tokens=300, user="somebody"
    )
    message = completion.choices[0].message
    assert message.role == "assistant" and "six" in message.content, completion
    assert completion.choices[0].finish_reason == "stop"
    assert completion.object == "chat.completion" and completion.usage is not None
    assert completion._request_id, "the client finds no request id"
    # A conversation goes on after an answer, and after a call of a tool, whose content is null.
    history = [*QUESTION, message.to_dict(), {"role": "assistant", "content": None}, QUESTION[1]]
    again = client.chat.completions.create(model="ibid", messages=history)
    assert "six" in again.choices[0].message.content, again


def stream(client):
    chunks = list(
        client.chat.completions.create(
            model="ibid", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "six" in "".join(texts), texts
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage is not None and not chunks[-1].choices
    with client.chat.completions.stream(model="ibid", messages=QUESTION) as events:
        whole = events.get_final_completion()
    assert whole.choices[0].message.content == "".join(texts), whole


def errors(client):
    ask = client.chat.completions.create
    error = raised(openai.NotFoundError, lambda: ask(model="no-such-model", messages=QUESTION))
    assert error.code == "model_unknown" and error.request_id, error
    raised(openai.NotFoundError, lambda: client.embeddings.create(model="no-such-model", input="x"))
    raised(openai.NotFoundError, lambda: client.models.retrieve("no-such-model"))
    raised(openai.BadRequestError, lambda: ask(model="ibid", messages=[]))
    raised(openai.BadRequestError, lambda: client.embeddings.create(model="ibid", input=[]))
    raised(openai.BadRequestError, lambda: client.embeddings.create(model="ibid", input="x", dimensions=7))
    raised(openai.NotFoundError, lambda: list(ask(model="no-such-model", messages=QUESTION, stream=True)))
    assert client.models.retrieve("ibid").id == "ibid"


def raised(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def main():
    base, key = sys.argv[1:]
    client = OpenAI(base_url=f"{base}/v1", api_key=key, max_retries=0)
    stranger = client.with_options(api_key="ibid_wrong")
    error = raised(openai.AuthenticationError, lambda: stranger.models.list())
    assert error.code == "key_unknown", error
    models(client)
    embeddings(client)
    chat(client)
    stream(client)
    errors(client)
    print("ok")


main()
