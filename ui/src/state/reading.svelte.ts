// A stretch of a version's text around a quote, which grows both ways as the reader asks for more.
// Keeps true: before + quote + after are the version's own bytes, without gap or repetition.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/endpoints';
import type { Passage } from '../api/types';
import type { Quoted } from './panel.svelte';

const FIRST_BYTES = 1_500;
const MORE_BYTES = 6_000;

export class Reading {
  passage = $state.raw<Passage | null>(null);
  before = $state('');
  after = $state('');
  problem = $state.raw<ApiError | null>(null);
  busy = $state(false);
  #start = $state(0);
  #end = $state(0);

  constructor(readonly quoted: Quoted) {}

  get moreBefore(): boolean {
    return this.passage !== null && this.#start > 0;
  }

  get moreAfter(): boolean {
    return this.passage !== null && this.#end < this.passage.text_bytes;
  }

  load(): Promise<void> {
    return this.#guard(async () => {
      const passage = await api.passage(this.quoted, FIRST_BYTES);
      this.before = passage.before;
      this.after = passage.after;
      this.#start = passage.start_byte;
      this.#end = passage.start_byte + byteCount(passage.before + passage.quote + passage.after);
      this.passage = passage;
    });
  }

  // The context of the first character that is shown is what stands before it.
  showBefore(): Promise<void> {
    return this.#guard(async () => {
      const first = byteCount([...this.#shown][0] ?? '');
      const more = await this.#around(this.#start, this.#start + first);
      this.before = more.before + this.before;
      this.#start = more.start_byte;
    });
  }

  showAfter(): Promise<void> {
    return this.#guard(async () => {
      const last = byteCount([...this.#shown].at(-1) ?? '');
      const more = await this.#around(this.#end - last, this.#end);
      this.after += more.after;
      this.#end += byteCount(more.after);
    });
  }

  get #shown(): string {
    return this.before + (this.passage?.quote ?? '') + this.after;
  }

  #around(start_byte: number, end_byte: number): Promise<Passage> {
    return api.passage({ ...this.quoted, start_byte, end_byte }, MORE_BYTES);
  }

  async #guard(work: () => Promise<void>) {
    if (this.busy) return;
    this.busy = true;
    this.problem = null;
    try {
      await work();
    } catch (error) {
      this.problem = asApiError(error);
    } finally {
      this.busy = false;
    }
  }
}

function byteCount(text: string): number {
  return new TextEncoder().encode(text).length;
}
