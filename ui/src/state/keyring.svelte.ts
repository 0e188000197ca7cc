// The API key: asked for once when the server first says 401, kept for this tab, or for longer where the reader wants it.

const STORAGE_KEY = 'ibid.key';

class Keyring {
  key = $state<string | null>(sessionStorage.getItem(STORAGE_KEY) ?? localStorage.getItem(STORAGE_KEY));
  asking = $state(false);
  refused = $state(false);
  #answered: ((given: boolean) => void) | null = null;
  #question: Promise<boolean> | null = null;

  // Called after a 401 with the key that was refused. True when another key is there to try.
  replace(refused: string | null): Promise<boolean> {
    if (this.key !== refused) return Promise.resolve(true);
    this.refused = refused !== null;
    this.#question ??= new Promise((resolve) => (this.#answered = resolve));
    this.asking = true;
    return this.#question;
  }

  give(key: string, remember: boolean) {
    this.key = key;
    sessionStorage.setItem(STORAGE_KEY, key);
    if (remember) localStorage.setItem(STORAGE_KEY, key);
    this.#close(true);
  }

  cancel() {
    this.#close(false);
  }

  forget() {
    this.key = null;
    sessionStorage.removeItem(STORAGE_KEY);
    localStorage.removeItem(STORAGE_KEY);
  }

  #close(given: boolean) {
    this.asking = false;
    this.#answered?.(given);
    this.#answered = null;
    this.#question = null;
  }
}

export const keyring = new Keyring();
