// A stretch of a version's text around a quote, which grows both ways as the reader asks for more; of a memory, all that was told.
// Keeps true: before + quote + after are the text's own bytes, without gap or repetition.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/endpoints';
import { episode } from '../api/memory';
import type { Passage } from '../api/types';
import type { Quoted } from './panel.svelte';

const FIRST_BYTES = 1_500;
const MORE_BYTES = 6_000;

type Around = Pick<Passage, 'before' | 'quote' | 'after' | 'start_byte' | 'text_bytes'>;

export class Reading {
  passage = $state.raw<Around | null>(null);
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
      const passage = await around(this.quoted, FIRST_BYTES);
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

  #around(start_byte: number, end_byte: number): Promise<Around> {
    return around({ ...this.quoted, start_byte, end_byte }, MORE_BYTES);
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

async function around(quoted: Quoted, contextBytes: number): Promise<Around> {
  if (!quoted.episode) return api.passage(quoted, contextBytes);
  const bytes = new TextEncoder().encode((await episode(quoted.episode)).text);
  const text = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  const [before, quote] = [text(0, quoted.start_byte), text(quoted.start_byte, quoted.end_byte)];
  return { before, quote, after: text(quoted.end_byte, bytes.length), start_byte: 0, text_bytes: bytes.length };
}

function byteCount(text: string): number {
  return new TextEncoder().encode(text).length;
}
