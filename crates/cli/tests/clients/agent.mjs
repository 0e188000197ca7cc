// Uses Ibid as an agent does, with the official MCP SDK:  agent.mjs BASE_URL KEY PROGRAM
//
// Over HTTP and on standard input and output. Ends with 0 and says "ok" if all holds.

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const TOOLS = ["remember", "recall", "relate", "forget", "search_documents", "ask"];

async function connected(transport) {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  return client;
}

function overHttp(base, key) {
  const requestInit = { headers: { Authorization: `Bearer ${key}` } };
  return new StreamableHTTPClientTransport(new URL(`${base}/mcp`), { requestInit });
}

async function told(client, name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert(!result.isError, JSON.stringify(result));
  return result.content[0].text;
}

async function check(client, topic) {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((tool) => tool.name), TOOLS);
  assert.match(await told(client, "search_documents", { query: "when does the bakery open" }), /opens at six/);
  assert.match(await told(client, "ask", { question: "When does the bakery in Elm Street open?" }), /six/);
  await told(client, "remember", { text: `The ${topic} service depends on Postgres.` });
  assert.match(await told(client, "recall", { query: `What does the ${topic} service depend on?` }), /Postgres/);
  const refused = await client.callTool({ name: "forget", arguments: {} });
  assert(refused.isError && refused.structuredContent.code === "forget_what", JSON.stringify(refused));
  const { resources } = await client.listResources();
  const { contents } = await client.readResource({ uri: resources[0].uri });
  assert.match(contents[0].text, /opens at six/);
  const { messages } = await client.getPrompt({ name: "answer-with-sources", arguments: { question: topic } });
  assert(messages[0].content.text.includes(topic));
}

const [base, key, program] = process.argv.slice(2);
await assert.rejects(() => connected(overHttp(base, "ibid_wrong")));
const web = await connected(overHttp(base, key));
await check(web, "billing");
await web.close();
const args = ["--server", base, "mcp"];
const pipes = await connected(new StdioClientTransport({ command: program, args, env: { IBID_KEY: key } }));
await check(pipes, "search");
await pipes.close();
console.log("ok");
