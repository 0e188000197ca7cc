// The entities that there are, read once for all fields that look for one.
// Keeps true: what is typed stays in the page, or goes as the body of a question, never into an address.
import * as api from '../api/memory';
import type { Entity, Named } from '../api/memory';
import { place } from '../state/place.svelte';

const READ_MAX = 1000;
const FOUND_MAX = 8;

class Known {
  #read: Promise<{ entities: Entity[]; total: number }> | null = null;
  #workspace: string | undefined;

  // After something was told, renamed or forgotten.
  outdated() {
    this.#read = null;
  }

  // Those whose name or other names hold the text; where there are more than were read, those that memory recalls as well.
  async find(text: string, signal: AbortSignal): Promise<Named[]> {
    const wanted = text.trim().toLowerCase();
    const { entities, total } = await this.#all();
    const holds = (name: string) => name.toLowerCase().includes(wanted);
    const found: Named[] = entities.filter((one) => holds(one.name) || one.aliases?.some(holds)).slice(0, FOUND_MAX);
    if (found.length > 0 || total <= entities.length) return found;
    const { hits } = await api.recall({ query: text, kinds: ['entity'], limit: FOUND_MAX }, signal);
    return hits.flatMap((hit) => (hit.entity ? [hit.entity] : []));
  }

  #all() {
    if (this.#workspace !== place.workspace) this.#read = null;
    this.#workspace = place.workspace;
    this.#read ??= api.entities({ limit: READ_MAX }).catch((error: unknown) => {
      this.#read = null;
      throw error;
    });
    return this.#read;
  }
}

export const known = new Known();
