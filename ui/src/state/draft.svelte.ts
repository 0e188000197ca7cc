// The words of an answer while they come: of each node its own, shown of the node that wrote last.
import type { TokenEvent } from '../api/runs';

export class Draft {
  text = $state('');
  #byNode = new Map<string, string>();
  #writer = '';

  take({ node, text, replace }: TokenEvent) {
    const whole = replace ? text : (this.#byNode.get(node) ?? '') + text;
    this.#byNode.set(node, whole);
    this.#writer = node;
    this.text = whole;
  }

  // The node begins again. True where its words were the ones on the screen.
  forget(node: string): boolean {
    if (!this.#byNode.delete(node) || this.#writer !== node) return false;
    this.text = '';
    return true;
  }
}
