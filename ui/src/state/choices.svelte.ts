// How a question is to be answered: quality, who writes, and limits. Kept while one looks around; the quality for longer.
import type { Quality, TurnRequest } from '../api/threads';
import { filters } from './filters.svelte';

const STORAGE_KEY = 'ibid.quality';
export const QUALITIES: { value: Quality; label: string; hint: string }[] = [
  { value: 'quick', label: 'Quick', hint: 'one round of improvement at most' },
  { value: 'balanced', label: 'Balanced', hint: 'two rounds of improvement at most' },
  { value: 'thorough', label: 'Thorough', hint: 'four rounds of improvement at most, and answers must agree' },
];

class Choices {
  quality = $state<Quality>(stored());
  // `auto`, `extractive` or `model:NAME`.
  writer = $state('auto');
  items = $state<number | null>(null);
  citations = $state<number | null>(null);
  tokens = $state<number | null>(null);
  temperature = $state<number | null>(null);

  setQuality(quality: Quality) {
    this.quality = quality;
    localStorage.setItem(STORAGE_KEY, quality);
  }

  request(question: string): TurnRequest {
    const request: TurnRequest = { question, quality: this.quality, filter: filters.asked() };
    if (this.writer === 'extractive') request.mode = 'extractive';
    if (this.writer.startsWith('model:')) {
      request.mode = 'generative';
      request.model = this.writer.slice('model:'.length);
    }
    for (const name of ['items', 'citations', 'tokens', 'temperature'] as const) {
      const value = this[name];
      if (value !== null) request[name] = value;
    }
    return request;
  }
}

function stored(): Quality {
  const value = localStorage.getItem(STORAGE_KEY);
  return QUALITIES.find((one) => one.value === value)?.value ?? 'balanced';
}

export const choices = new Choices();
