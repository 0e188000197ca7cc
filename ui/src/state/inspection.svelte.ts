// A run under inspection: its checkpoints, the state at the chosen one, and what changed since the one before.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/runs';
import type { Checkpoint, CheckpointState, FlowDetail, Run } from '../api/runs';
import { changes, type Changes } from '../text/json';
import { follow } from './following';

const PAGES_AT_ONCE = 5;
// Events of one step come in a bundle; one look tells them all.
const LOOK_AFTER_MS = 250;
const NOTHING: Changes = { byPath: new Map(), removed: new Map() };

export class Inspection {
  run = $state.raw<Run | null>(null);
  flow = $state.raw<FlowDetail | null>(null);
  checkpoints = $state.raw<Checkpoint[]>([]);
  more = $state<string | undefined>();
  // None: the newest, whichever that is.
  chosen = $state<number | null>(null);
  at = $state.raw<CheckpointState | null>(null);
  changes = $state.raw<Changes>(NOTHING);
  problem = $state.raw<ApiError | null>(null);
  busy = $state('');
  readonly #leaving = new AbortController();
  #states = new Map<number, Promise<CheckpointState>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly id: string) {}

  get live(): boolean {
    return this.run !== null && ['running', 'waiting', 'undoing'].includes(this.run.status);
  }

  get number(): number | undefined {
    return this.chosen ?? this.checkpoints.at(-1)?.number;
  }

  async open() {
    await this.look();
    if (this.live) void this.#watch();
  }

  leave() {
    this.#leaving.abort();
    clearTimeout(this.#timer);
  }

  async choose(number: number | null) {
    this.chosen = number;
    await this.#guard(() => this.#showState());
  }

  // Reads the run and its history again, and shows them together, so that nothing moves.
  look(): Promise<void> {
    return this.#guard(async () => {
      // The flow is the version that the run goes by, which never changes.
      const flow = this.flow ?? (await api.flowOf(this.id).catch(() => null));
      const [run, history] = await Promise.all([api.read(this.id), this.#readCheckpoints()]);
      [this.run, this.flow, this.checkpoints, this.more] = [run, flow, history.found, history.more];
      await this.#showState();
    });
  }

  async readMore() {
    await this.#guard(async () => {
      const page = await api.checkpoints(this.id, this.more);
      this.checkpoints = [...this.checkpoints, ...page.checkpoints];
      this.more = page.next;
    });
  }

  // Does something to the run under a name that its button shows, and looks again.
  async act(name: string, work: () => Promise<unknown>) {
    if (this.busy) return;
    this.busy = name;
    const wasLive = this.live;
    await this.#guard(work);
    this.busy = '';
    const told = this.problem;
    await this.look();
    this.problem = told;
    if (this.live && !wasLive) void this.#watch();
  }

  async #readCheckpoints(): Promise<{ found: Checkpoint[]; more: string | undefined }> {
    const found: Checkpoint[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_AT_ONCE; page += 1) {
      const got = await api.checkpoints(this.id, cursor);
      found.push(...got.checkpoints);
      cursor = got.next;
      if (!cursor) break;
    }
    return { found: found.sort((a, b) => a.number - b.number), more: cursor };
  }

  async #showState() {
    const number = this.number;
    if (number === undefined) return;
    const before = this.checkpoints.findLast((one) => one.number < number);
    const [at, old] = await Promise.all([this.#state(number), before ? this.#state(before.number) : null]);
    if (number !== this.number) return;
    this.at = at;
    this.changes = old ? changes(old.channels, at.channels) : NOTHING;
  }

  // A checkpoint never changes, so each is read once.
  #state(number: number): Promise<CheckpointState> {
    const known = this.#states.get(number);
    if (known) return known;
    const reading = api.stateAt(this.id, number);
    this.#states.set(number, reading);
    reading.catch(() => this.#states.delete(number));
    return reading;
  }

  async #watch() {
    const take = (event: { name: string }) => {
      clearTimeout(this.#timer);
      if (event.name !== 'token') this.#timer = setTimeout(() => void this.look(), LOOK_AFTER_MS);
      return event.name === 'done' || event.name === 'error';
    };
    await follow({ run: async () => this.id, take, broken: () => undefined, signal: this.#leaving.signal }).catch(() => undefined);
  }

  async #guard(work: () => Promise<unknown>) {
    this.problem = null;
    try {
      await work();
    } catch (error) {
      this.problem = asApiError(error);
    }
  }
}
