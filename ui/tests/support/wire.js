// How the scripted server writes: JSON, problems, and events to one client.

export class Stream {
  #response;

  constructor(response) {
    this.#response = response;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.flushHeaders();
  }

  get closed() {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  send(name, data, id = undefined) {
    if (!this.closed) this.#response.write(`${id ? `id: ${id}\n` : ''}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  cut() {
    this.#response.destroy();
  }

  end() {
    if (!this.closed) this.#response.end();
  }
}

export function json(response, value, status = 200) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export function problem(response, status, type, code, message) {
  json(response, { error: { type, code, message, request_id: 'req-7f3a' } }, status);
}

// Something that happens when the test says so.
export function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}
