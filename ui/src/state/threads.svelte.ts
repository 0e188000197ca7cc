// The list of threads, newest first, as far as it was read, limited by the words that are searched for.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/threads';
import type { Thread } from '../api/threads';

const LIMIT = 30;
const LOOK_AFTER_MS = 200;

class Threads {
  list = $state.raw<Thread[]>([]);
  next = $state<string | undefined>();
  problem = $state.raw<ApiError | null>(null);
  known = $state(false);
  #text = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reading: AbortController | undefined;

  get text(): string {
    return this.#text;
  }

  search(text: string) {
    this.#text = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.refresh(), LOOK_AFTER_MS);
  }

  refresh() {
    void this.#read(undefined);
  }

  more() {
    void this.#read(this.next);
  }

  add(thread: Thread) {
    this.list = [thread, ...this.list.filter((one) => one.id !== thread.id)];
  }

  async rename(id: string, title: string): Promise<Thread> {
    const renamed = await api.rename(id, title);
    this.list = this.list.map((one) => (one.id === id ? renamed : one));
    return renamed;
  }

  async remove(id: string) {
    await api.remove(id);
    this.list = this.list.filter((one) => one.id !== id);
  }

  async #read(cursor: string | undefined) {
    this.#reading?.abort();
    const mine = (this.#reading = new AbortController());
    try {
      const page = await api.list({ text: this.#text.trim(), limit: LIMIT, cursor }, mine.signal);
      if (mine.signal.aborted) return;
      this.list = cursor ? [...this.list, ...page.threads] : page.threads;
      this.next = page.next;
      this.known = true;
      this.problem = null;
    } catch (error) {
      if (!mine.signal.aborted) this.problem = asApiError(error);
    }
  }
}

export const threads = new Threads();
