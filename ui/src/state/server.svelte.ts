// What the server says about itself, read again from time to time and at once when something changed.
import * as api from '../api/endpoints';
import * as identity from '../api/identity';
import type { Status, Workspace } from '../api/types';
import { account } from './account.svelte';
import { approvals } from './approvals.svelte';
import { place } from './place.svelte';

const REFRESH_MS = 15_000;
const RETRY_MS = 2_000;
// While jobs are at work their numbers change.
const WORKING_MS = 3_000;

class Server {
  status = $state<Status | null>(null);
  workspaces = $state<Workspace[]>([]);
  health = $state<'unknown' | 'ok' | 'unreachable'>('unknown');
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refreshing: Promise<void> | null = null;

  get empty(): boolean {
    return this.status !== null && this.status.documents === 0;
  }

  // Never rejects: what goes wrong is `health`.
  refresh(): Promise<void> {
    this.#refreshing ??= this.#read().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  async choose(workspace: string) {
    await this.#refreshing;
    place.workspace = workspace;
    await this.refresh();
  }

  async #read() {
    clearTimeout(this.#timer);
    try {
      account.take(await identity.me());
      if (!account.isStranger) await this.#readPlace();
      this.health = 'ok';
    } catch {
      this.health = 'unreachable';
    }
    this.#timer = setTimeout(() => void this.refresh(), this.#pause());
  }

  async #readPlace() {
    this.status = await api.status();
    if (!place.workspace) place.standard = this.status.workspace;
    if (account.may('converse')) void approvals.refresh();
    // Others may be let into another one, or out of it, at any time.
    if (this.workspaces.length !== account.me?.workspaces.length) this.workspaces = await api.workspaces().catch(() => []);
  }

  #pause(): number {
    if (this.health !== 'ok') return RETRY_MS;
    const jobs = this.status?.jobs;
    return jobs && jobs.queued + jobs.running > 0 ? WORKING_MS : REFRESH_MS;
  }
}

export const server = new Server();
