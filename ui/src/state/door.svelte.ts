// The door: what the server refused for want of somebody waits here until somebody has come in, and is then asked again.
import type { Me } from '../api/identity';
import { account } from './account.svelte';

const SHUT = ['key_missing', 'key_unknown', 'session_over'];

class Door {
  // The code of the refusal, while somebody is asked to sign in.
  refusal = $state<string | null>(null);
  // Counts those who came in.
  entries = 0;
  #opened: Promise<void> | null = null;
  #open = () => {};

  isShutBy(error: { status: number; code: string }): boolean {
    return error.status === 401 && SHUT.includes(error.code);
  }

  // Resolves when what was asked after so many entries can be asked again: at once, where somebody came in meanwhile.
  opened(entries: number, code: string): Promise<void> {
    if (this.entries !== entries) return Promise.resolve();
    this.refusal = code;
    this.#opened ??= new Promise((resolve) => (this.#open = resolve));
    return this.#opened;
  }

  enter(me: Me) {
    account.take(me);
    this.entries += 1;
    this.refusal = null;
    this.#opened = null;
    this.#open();
  }
}

export const door = new Door();
