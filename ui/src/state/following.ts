// A run's events from any point to the end, over as many connections as it takes.
// Keeps true: each event is handed on once and in order, as every new connection asks for what came after the last one.
import { ApiError } from '../api/client';
import * as api from '../api/runs';
import { readEvents, type ServerEvent } from '../api/sse';

const PAUSE_FIRST_MS = 300;
const PAUSE_MOST_MS = 8_000;
// A network can take a connection away without a word; after so long a silence another one is made.
const SILENCE_MOST_MS = 60_000;

export interface Follower {
  // Opens the first connection where that is another request, such as the question itself.
  first?: (signal: AbortSignal) => Promise<Response>;
  run: () => Promise<string>;
  // True ends the following: the run is over.
  take: (event: ServerEvent) => boolean;
  // Tells whether the page is between two connections.
  broken: (is: boolean) => void;
  signal: AbortSignal;
}

// Returns when the run is over or the signal says stop; throws what no further attempt would mend.
export async function follow(follower: Follower): Promise<void> {
  const { run, broken, signal } = follower;
  const progress = { last: null as string | null, pause: PAUSE_FIRST_MS };
  for (let opening = follower.first; ; opening = undefined) {
    try {
      const open = opening ?? (async (own: AbortSignal) => api.events(await run(), progress.last, own));
      if (await listen(open, follower, progress)) return;
    } catch (error) {
      if (signal.aborted) return;
      // A question that the server did not take is no run that could be followed.
      if (error instanceof ApiError && (opening || isFinal(error))) throw error;
    }
    if (signal.aborted) return;
    broken(true);
    await sleep(progress.pause, signal);
    if (signal.aborted) return;
    progress.pause = Math.min(progress.pause * 2, PAUSE_MOST_MS);
  }
}

// One connection to its end, or to a silence that is too long. True where the run is over.
async function listen(
  open: (signal: AbortSignal) => Promise<Response>,
  { take, broken, signal }: Follower,
  progress: { last: string | null; pause: number },
): Promise<boolean> {
  const own = new AbortController();
  const stop = () => own.abort();
  signal.addEventListener('abort', stop, { once: true });
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    const response = await open(own.signal);
    broken(false);
    silence = setTimeout(stop, SILENCE_MOST_MS);
    for await (const event of readEvents(response)) {
      clearTimeout(silence);
      silence = setTimeout(stop, SILENCE_MOST_MS);
      progress.pause = PAUSE_FIRST_MS;
      progress.last = event.id ?? progress.last;
      if (take(event)) return true;
    }
    return false;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
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
