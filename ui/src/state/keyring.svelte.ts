// The API key of whoever uses one instead of signing in: kept by this page as long as it is open, and nowhere in the browser.

// Where former versions of the page kept it.
const FORMER_STORAGE_KEY = 'ibid.key';
sessionStorage.removeItem(FORMER_STORAGE_KEY);
localStorage.removeItem(FORMER_STORAGE_KEY);

class Keyring {
  key = $state<string | null>(null);

  give(key: string) {
    this.key = key;
  }

  forget() {
    this.key = null;
  }
}

export const keyring = new Keyring();
