// The thread at hand with its turns. It stays while the reader looks at other pages.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/threads';
import type { Thread, TurnRequest } from '../api/threads';
import { router, hrefOfThread } from './route.svelte';
import { threads } from './threads.svelte';
import { Turn } from './turn.svelte';

class Conversation {
  id = $state<string | null>(null);
  thread = $state.raw<Thread | null>(null);
  turns = $state.raw<Turn[]>([]);
  problem = $state.raw<ApiError | null>(null);
  loading = $state(false);

  get last(): Turn | undefined {
    return this.turns.at(-1);
  }

  get running(): boolean {
    return this.last !== undefined && !this.last.over;
  }

  get href(): string {
    return this.id ? hrefOfThread(this.id) : '#/';
  }

  // The thread with this id, or a fresh one without; what is open already stays as it is.
  async open(id: string | null) {
    if (id === this.id) return;
    this.#clear(id);
    if (id) await this.#load(id);
  }

  // Looks again after a failure.
  async reload() {
    const id = this.id;
    this.#clear(id);
    if (id) await this.#load(id);
  }

  fresh() {
    this.close();
    router.go('#/');
  }

  close() {
    this.#clear(null);
  }

  async ask(request: TurnRequest) {
    const turn = new Turn(request, request.question);
    this.turns = [...this.turns, turn];
    await this.#send(turn);
  }

  // The same question anew. One that never reached the server keeps its place and its key.
  async again(turn: Turn) {
    if (turn.phase === 'failed' && !turn.heard && turn === this.last) await this.#send(turn);
    else await this.ask({ ...turn.request, fresh: true });
  }

  // A new conversation that begins with the turns up to this one; the old one stays.
  async branch(turn: Turn) {
    if (!this.id || turn.number === null) return;
    const made = await api.fork(this.id, turn.number);
    threads.add(made);
    router.go(hrefOfThread(made.id));
  }

  stop() {
    if (this.id) void this.last?.stop(this.id);
  }

  forget(id: string) {
    if (this.id === id) this.fresh();
  }

  async #send(turn: Turn) {
    try {
      const id = this.id ?? (await this.#begin(turn));
      await turn.ask(id);
      threads.refresh();
    } catch (error) {
      turn.phase = 'failed';
      turn.problem = asApiError(error);
    }
  }

  // The first question makes the thread, and is its title until the server has a better one.
  async #begin(turn: Turn): Promise<string> {
    turn.phase = 'running';
    const thread = await api.create();
    this.thread = { ...thread, title: thread.title || turn.asked };
    this.id = thread.id;
    threads.add(this.thread);
    router.go(hrefOfThread(thread.id));
    return thread.id;
  }

  async #load(id: string) {
    this.loading = true;
    try {
      const [thread, records] = await Promise.all([api.read(id), api.turns(id)]);
      if (this.id !== id) return;
      this.thread = thread;
      this.turns = records.map((record) => Turn.of(record));
      for (const turn of this.turns) if (!turn.over) void turn.watch(id);
    } catch (error) {
      if (this.id === id) this.problem = asApiError(error);
    } finally {
      if (this.id === id) this.loading = false;
    }
  }

  #clear(id: string | null) {
    for (const turn of this.turns) turn.leave();
    this.id = id;
    this.thread = null;
    this.turns = [];
    this.problem = null;
    this.loading = false;
  }
}

export const conversation = new Conversation();
