// The door: what the server refused for want of somebody, or of a second factor, waits here until somebody has come in, and is then
// asked again.
import type { Me } from '../api/identity';
import { account } from './account.svelte';

const SHUT = ['key_missing', 'key_unknown', 'session_over'];
// Somebody is there, but may do nothing before their account has a second factor.
export const FACTOR_MISSING = 'second_factor_missing';
// Somebody came back from the sign-in provider, and is to show their second factor here.
export const CODE_AWAITED = 'second_factor_needed';

class Door {
  // The code of the refusal, while somebody is asked to sign in.
  refusal = $state<string | null>(null);
  // The code with which somebody came back from the sign-in provider without being let in.
  failure = $state<string | null>(null);
  // Counts those who came in.
  entries = 0;
  #opened: Promise<void> | null = null;
  #open = () => {};

  isShutBy(error: { status: number; code: string }): boolean {
    return (error.status === 401 && SHUT.includes(error.code)) || (error.status === 403 && error.code === FACTOR_MISSING);
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
    this.refusal = this.failure = null;
    this.#opened = null;
    this.#open();
  }
}

export const door = new Door();
