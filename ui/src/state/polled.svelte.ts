// Something of the server that is read again and again while somebody looks.
// Keeps true: what was read stays on the screen when a later reading fails; an answer never overtakes a newer one.
import { ApiError } from '../api/client';

export class Polled<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<unknown>(null);
  #asked = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;

  constructor(
    private readonly read: () => Promise<T>,
    private readonly pauseMs: number,
  ) {}

  // For onMount: reads at once, and until the returned function is called.
  start = (): (() => void) => {
    this.#stopped = false;
    void this.again();
    return () => {
      this.#stopped = true;
      clearTimeout(this.#timer);
    };
  };

  again = async (): Promise<void> => {
    clearTimeout(this.#timer);
    const mine = ++this.#asked;
    try {
      const value = await this.read();
      if (mine !== this.#asked) return;
      this.value = value;
      this.problem = null;
    } catch (error) {
      if (mine !== this.#asked) return;
      this.problem = error;
    }
    if (!this.#stopped && !isFinal(this.problem)) this.#timer = setTimeout(this.#later, this.pauseMs);
  };

  set(value: T) {
    this.#asked += 1;
    this.value = value;
    this.problem = null;
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(this.#later, this.pauseMs);
  }

  #later = () => {
    if (document.hidden) this.#timer = setTimeout(this.#later, this.pauseMs);
    else void this.again();
  };
}

// Who gave no key, may not look, or asks for what there is not, is not asked the same again.
export function isFinal(error: unknown): boolean {
  return error instanceof ApiError && [401, 403, 404].includes(error.status);
}
