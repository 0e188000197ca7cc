"""Uses Ibid as an agent does, with the official MCP SDK:  agent.py BASE_URL KEY PROGRAM

Over HTTP and on standard input and output, by the newest protocol and by the one with a handshake. Ends with 0 and says "ok".
"""

import asyncio
import sys
from contextlib import asynccontextmanager

import mcp
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

TOOLS = ["remember", "recall", "relate", "forget", "search_documents", "ask"]


@asynccontextmanager
async def over_http(base, key, mode):
    async with create_mcp_http_client(headers={"Authorization": f"Bearer {key}"}) as http:
        async with mcp.Client(streamable_http_client(f"{base}/mcp", http_client=http), mode=mode) as client:
            yield client


@asynccontextmanager
async def on_stdio(base, key, program, mode):
    server = mcp.StdioServerParameters(command=program, args=["--server", base, "mcp"], env={"IBID_KEY": key})
    async with mcp.Client(server, mode=mode) as client:
        yield client


async def told(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result
    return result.content[0].text


async def check(client, topic):
    assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
    assert "opens at six" in await told(client, "search_documents", query="when does the bakery open")
    assert "six" in await told(client, "ask", question="When does the bakery in Elm Street open?")
    kept = await client.call_tool("remember", {"text": f"The {topic} service depends on Postgres."})
    assert kept.structured_content["episode"], kept
    assert "Postgres" in await told(client, "recall", query=f"What does the {topic} service depend on?")
    refused = await client.call_tool("relate", {"subject": topic, "relation": "is", "value": "x", "shared": True})
    assert refused.is_error and refused.structured_content["code"] == "not_allowed", refused
    resources = (await client.list_resources()).resources
    read = await client.read_resource(resources[0].uri)
    assert "opens at six" in read.contents[0].text, read
    prompt = await client.get_prompt("what-do-we-know-about", {"subject": topic})
    assert topic in prompt.messages[0].content.text, prompt


async def stranger(base):
    try:
        async with over_http(base, "ibid_wrong", "legacy") as client:
            await client.list_tools()
    except BaseException as error:
        return error
    raise AssertionError("nobody known came in")


async def main():
    base, key, program = sys.argv[1:]
    for mode, one, other in [("auto", "billing", "search"), ("legacy", "mail", "print")]:
        async with over_http(base, key, mode) as client:
            await check(client, one)
        async with on_stdio(base, key, program, mode) as client:
            await check(client, other)
            # What was told over HTTP is the same key's.
            assert "Postgres" in await told(client, "recall", query=f"What does the {one} service depend on?")
    await stranger(base)
    print("ok")


asyncio.run(main())
