// Uses Ibid as the official OpenAI client does:  client.mjs BASE_URL KEY
//
// Any other key must be refused. Ends with 0 and says "ok" if all holds.

import assert from "node:assert/strict";
import OpenAI from "openai";

const QUESTION = [
  { role: "system", content: "You answer from the documents." },
  { role: "user", content: [{ type: "text", text: "When does the bakery open?" }] },
];
const DIMENSIONS = 384;

async function models(client) {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert(names.includes("ibid"), names.join());
}

async function embeddings(client) {
  const input = ["a lighthouse", "a ferry"];
  const floats = await client.embeddings.create({ model: "ibid", input, encoding_format: "float" });
  assert.deepEqual(floats.data.map((item) => item.index), [0, 1]);
  assert(floats.usage.total_tokens > 0);
  // Without a format the client asks for base64 and decodes it.
  const decoded = await client.embeddings.create({ model: "ibid", input });
  floats.data.forEach((item, index) => assertSame(item.embedding, decoded.data[index].embedding));
  const raw = await client.embeddings.create({ model: "ibid", input: input[0], encoding_format: "base64" });
  const bytes = new Uint8Array(Buffer.from(raw.data[0].embedding, "base64"));
  assertSame([...new Float32Array(bytes.buffer)], floats.data[0].embedding);
}

function assertSame(one, other) {
  assert.deepEqual([one.length, other.length], [DIMENSIONS, DIMENSIONS]);
  one.forEach((number, index) => assert(Math.abs(number - other[index]) < 1e-5));
}

async function chat(client) {
  const request = { model: "ibid", messages: QUESTION, temperature: 0.2, max_tokens: 300, user: "somebody" };
  const completion = await client.chat.completions.create(request);
  const [choice] = completion.choices;
  assert.equal(choice.message.role, "assistant");
  assert.match(choice.message.content, /six/);
  assert.equal(choice.finish_reason, "stop");
  assert(completion._request_id, "the client finds no request id");
  // A conversation goes on after an answer, and after a call of a tool, whose content is null.
  const messages = [...QUESTION, choice.message, { role: "assistant", content: null }, QUESTION[1]];
  const again = await client.chat.completions.create({ model: "ibid", messages });
  assert.match(again.choices[0].message.content, /six/);
}

async function stream(client) {
  const request = { model: "ibid", messages: QUESTION, stream: true, stream_options: { include_usage: true } };
  const chunks = [];
  for await (const chunk of await client.chat.completions.create(request)) chunks.push(chunk);
  const withChoice = chunks.filter((chunk) => chunk.choices.length > 0);
  const text = withChoice.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  assert.match(text, /six/);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.equal(withChoice.at(-1).choices[0].finish_reason, "stop");
  assert(chunks.at(-1).usage);
  const whole = await client.chat.completions.stream({ model: "ibid", messages: QUESTION }).finalContent();
  assert.equal(whole, text);
}

async function errors(client) {
  const ask = (request) => client.chat.completions.create(request);
  const unknown = { model: "no-such-model", messages: QUESTION };
  const error = await raised(OpenAI.NotFoundError, () => ask(unknown));
  assert.equal(error.code, "model_unknown");
  assert(error.requestID);
  await raised(OpenAI.NotFoundError, () => ask({ ...unknown, stream: true }));
  await raised(OpenAI.NotFoundError, () => client.embeddings.create({ model: "no-such-model", input: "x" }));
  await raised(OpenAI.NotFoundError, () => client.models.retrieve("no-such-model"));
  await raised(OpenAI.BadRequestError, () => ask({ model: "ibid", messages: [] }));
  await raised(OpenAI.BadRequestError, () => client.embeddings.create({ model: "ibid", input: [] }));
  assert.equal((await client.models.retrieve("ibid")).id, "ibid");
}

async function raised(kind, call) {
  try {
    await call();
  } catch (error) {
    assert(error instanceof kind, `${error}`);
    return error;
  }
  assert.fail(`no ${kind.name}`);
}

const [base, key] = process.argv.slice(2);
const baseURL = `${base}/v1`;
const client = new OpenAI({ baseURL, apiKey: key, maxRetries: 0 });
const stranger = new OpenAI({ baseURL, apiKey: "ibid_wrong", maxRetries: 0 });
const error = await raised(OpenAI.AuthenticationError, () => stranger.models.list());
assert.equal(error.code, "key_unknown");
await models(client);
await embeddings(client);
await chat(client);
await stream(client);
await errors(client);
console.log("ok");
