// What somebody is asked about before it is forgotten, and the receipt afterwards, which stays on the screen until it is closed.
import type { Forgetting, Receipt } from '../api/memory';

export interface Asked {
  title: string;
  // What goes, sentence by sentence.
  goes: string[];
  what: Forgetting;
  // What to type first, for what is large.
  word?: string;
}

class ForgettingState {
  asked = $state.raw<Asked | null>(null);
  receipt = $state.raw<Receipt | null>(null);
  // Counts what was forgotten, so that lists are read again.
  times = $state(0);

  ask(asked: Asked) {
    this.asked = asked;
  }
}

export const forgetting = new ForgettingState();
