// The worker that arranges, from the page's side. It is a file of the server's own, which the content policy allows; the package's
// worker is made from a text, which it does not.

// `places`: x and y of each node; `ends`: the two nodes of each edge, by their numbers.
export interface Arranging {
  places: Float32Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
  roundsMax: number;
  msMax: number;
}

export interface Arranged {
  places: Float32Array<ArrayBuffer>;
  rounds: number;
  isDone: boolean;
}

const ROUNDS_MAX = 500;
// Long enough for 10,000 nodes to find their groups, short enough to wait for.
const MS_MAX = 15_000;

// What the page says when it has drawn what it was told, so that the worker never tells more than is drawn.
export const SEEN = 'seen';

export class Arrangement {
  #worker: Worker | null = null;

  constructor(private readonly told: (arranged: Arranged) => void) {}

  begin(places: Float32Array<ArrayBuffer>, ends: Uint32Array<ArrayBuffer>) {
    this.stop();
    const worker = new Worker(new URL('./arrange.worker.ts', import.meta.url), { type: 'module' });
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Arranged>) => {
      if (data.isDone) this.stop();
      this.told(data);
      afterDrawing(() => worker.postMessage(SEEN));
    };
    // Without it the nodes stay as they were put.
    worker.onerror = () => {
      this.stop();
      this.told({ places, rounds: 0, isDone: true });
    };
    worker.postMessage({ places: places.slice(), ends, roundsMax: ROUNDS_MAX, msMax: MS_MAX } satisfies Arranging);
  }

  stop() {
    this.#worker?.terminate();
    this.#worker = null;
  }
}

function afterDrawing(then: () => void) {
  requestAnimationFrame(() => requestAnimationFrame(then));
}
