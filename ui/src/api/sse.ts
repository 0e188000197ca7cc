// Server-sent events over fetch, which, unlike EventSource, can POST and carry a key.
// Keeps true: an event is handed on once, whole, in order, however the network cuts the bytes.

export interface ServerEvent {
  // Where to go on from after a break; streams that cannot be taken up again have none.
  id?: string;
  name: string;
  data: string;
}

// One event may not be larger than this; a server that sends more is not ours.
const EVENT_CHARS_MAX = 8_000_000;

export class EventParser {
  #rest = '';

  // Takes the next piece of the stream and returns the events that it completes.
  push(piece: string): ServerEvent[] {
    this.#rest += piece;
    const events: ServerEvent[] = [];
    for (;;) {
      const end = /\r?\n\r?\n/.exec(this.#rest);
      if (!end) break;
      const event = parseEvent(this.#rest.slice(0, end.index));
      this.#rest = this.#rest.slice(end.index + end[0].length);
      if (event) events.push(event);
    }
    if (this.#rest.length > EVENT_CHARS_MAX) throw new Error('an event of the stream is too large');
    return events;
  }
}

function parseEvent(block: string): ServerEvent | null {
  let name = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') name = value ?? '';
    if (field === 'id') id = value;
    if (field === 'data') data.push(value ?? '');
  }
  if (data.length === 0) return null;
  return { ...(id ? { id } : {}), name, data: data.join('\n') };
}

// The events of a response's body. Leaving the loop early closes the connection.
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const parser = new EventParser();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(value);
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}
