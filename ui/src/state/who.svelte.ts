// The name under which somebody acknowledges, silences and writes into timelines; kept in this browser.

const STORAGE_KEY = 'ibid.operator';

class Who {
  #name = $state(localStorage.getItem(STORAGE_KEY) ?? '');

  get name(): string {
    return this.#name;
  }

  set name(name: string) {
    this.#name = name;
    if (name.trim()) localStorage.setItem(STORAGE_KEY, name.trim());
    else localStorage.removeItem(STORAGE_KEY);
  }
}

export const who = new Who();
