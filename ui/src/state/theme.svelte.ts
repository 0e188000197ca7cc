// Light, dark, or what the system says.

export type Theme = 'auto' | 'light' | 'dark';

const STORAGE_KEY = 'ibid.theme';
const ORDER: Theme[] = ['auto', 'light', 'dark'];

class ThemeChoice {
  current = $state<Theme>(stored());

  constructor() {
    this.#apply();
  }

  next() {
    this.current = ORDER[(ORDER.indexOf(this.current) + 1) % ORDER.length] ?? 'auto';
    localStorage.setItem(STORAGE_KEY, this.current);
    this.#apply();
  }

  #apply() {
    if (this.current === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.current;
  }
}

function stored(): Theme {
  const value = localStorage.getItem(STORAGE_KEY);
  return value === 'light' || value === 'dark' ? value : 'auto';
}

export const theme = new ThemeChoice();
