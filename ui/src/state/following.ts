// A run's events from any point to the end, over as many connections as it takes.
// Keeps true: each event is handed on once and in order, as every new connection asks for what came after the last one.
import { ApiError } from '../api/client';
import * as api from '../api/runs';
import { readEvents, type ServerEvent } from '../api/sse';

const PAUSE_FIRST_MS = 300;
const PAUSE_MOST_MS = 8_000;

export interface Follower {
  // A first connection that is already open or on its way, such as the answer to the question itself.
  first?: Promise<Response>;
  run: () => Promise<string>;
  // True ends the following: the run is over.
  take: (event: ServerEvent) => boolean;
  // Tells whether the page is between two connections.
  broken: (is: boolean) => void;
  signal: AbortSignal;
}

// Returns when the run is over or the signal says stop; throws what no further attempt would mend.
export async function follow({ first, run, take, broken, signal }: Follower): Promise<void> {
  let last: string | null = null;
  let pause = PAUSE_FIRST_MS;
  for (let opening = first; ; opening = undefined) {
    try {
      const response: Response = await (opening ?? api.events(await run(), last, signal));
      broken(false);
      for await (const event of readEvents(response)) {
        pause = PAUSE_FIRST_MS;
        last = event.id ?? last;
        if (take(event)) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      // A question that the server did not take is no run that could be followed.
      if (error instanceof ApiError && (opening || isFinal(error))) throw error;
    }
    if (signal.aborted) return;
    broken(true);
    await sleep(pause, signal);
    if (signal.aborted) return;
    pause = Math.min(pause * 2, PAUSE_MOST_MS);
  }
}

// A cut connection, a server that starts and one that is overloaded come back; an unknown run does not.
function isFinal(error: ApiError): boolean {
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
