// The API key of whoever uses one instead of signing in: kept for this tab, or for longer where that is wanted.

const STORAGE_KEY = 'ibid.key';

class Keyring {
  key = $state<string | null>(sessionStorage.getItem(STORAGE_KEY) ?? localStorage.getItem(STORAGE_KEY));

  give(key: string, remember: boolean) {
    this.forget();
    this.key = key;
    sessionStorage.setItem(STORAGE_KEY, key);
    if (remember) localStorage.setItem(STORAGE_KEY, key);
  }

  forget() {
    this.key = null;
    sessionStorage.removeItem(STORAGE_KEY);
    localStorage.removeItem(STORAGE_KEY);
  }
}

export const keyring = new Keyring();
