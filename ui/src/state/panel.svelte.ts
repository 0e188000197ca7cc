// The side panel: which of a list of quotes it shows, and where the reader was before.

export interface Quoted {
  // Counts from 1 in an answer; a search hit has none.
  number?: number;
  document: string;
  version: string;
  title: string;
  source: string;
  heading_path: string[];
  page?: number;
  start_byte: number;
  end_byte: number;
  // Where a memory says it and no document.
  episode?: string;
}

class Panel {
  list = $state.raw<Quoted[]>([]);
  index = $state(-1);
  #opener: HTMLElement | null = null;

  get current(): Quoted | null {
    return this.list[this.index] ?? null;
  }

  open(list: Quoted[], index: number) {
    if (!this.current) this.#opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    this.list = list;
    this.index = index;
  }

  // To the next or previous quote; false where there is none.
  step(by: 1 | -1): boolean {
    const next = this.index + by;
    if (!this.list[next]) return false;
    this.index = next;
    return true;
  }

  // Gives the focus back to what opened the panel, where that is still on the page.
  close() {
    if (!this.current) return;
    this.index = -1;
    if (this.#opener?.isConnected) this.#opener.focus();
    else document.querySelector<HTMLElement>('main')?.focus();
    this.#opener = null;
  }
}

export const panel = new Panel();
