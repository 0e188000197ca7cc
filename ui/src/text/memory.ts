// Memory in the words of people: relations, times in the world, what a consent means, what is forgotten.
import type { Centrality, Conflict, Consent, Fact, Forgotten, RecallPart } from '../api/memory';
import { count, day, moment, percent } from './words';

// `WORK_AT` as `work at`.
export function relationWords(relation: string): string {
  return relation.toLowerCase().replaceAll('_', ' ');
}

// A day where it is one, else the moment.
export function when(time: string): string {
  return /T00:00:00(\.0+)?Z$/.test(time) || !time.includes('T') ? day(time) : moment(time);
}

// `since 2026-03-01, until 2026-06-01`; nothing where nobody knows of either.
export function held(fact: { valid_from?: string; valid_to?: string }): string {
  const parts = [fact.valid_from ? `since ${when(fact.valid_from)}` : '', fact.valid_to ? `until ${when(fact.valid_to)}` : ''];
  return parts.filter(Boolean).join(', ');
}

// Why this state is there.
export const CAUSES: Record<string, string> = {
  recorded: 'recorded',
  merged: 'told again',
  closed: 'ended by a newer one',
  edited: 'edited',
  overruled: 'decided by a person',
  imported: 'imported',
};

export function factWords(fact: Fact): string {
  const parts = [
    held(fact) || 'at any time',
    `confidence ${percent(fact.confidence)}`,
    `importance ${percent(fact.importance)}`,
    `${CAUSES[fact.cause] ?? fact.cause} ${moment(fact.recorded_at)}`,
  ];
  return parts.join(' · ');
}

export const CONSENTS: { consent: Consent; label: string; meaning: string }[] = [
  { consent: 'off', label: 'Off', meaning: 'Nothing is remembered, whoever asks for it. What is there already stays until you have it forgotten.' },
  { consent: 'asked', label: 'Only what I ask for', meaning: 'Notes that you add, and what you tell an assistant to remember. Conversations leave nothing.' },
  { consent: 'on', label: 'Conversations as well', meaning: 'What you say in conversations is read for facts after the answer. Small talk leaves none.' },
];

// What stands where nothing is remembered: what to do.
export const NOTHING_YET: Record<Consent, string> = {
  off: 'Consent is off, so nothing will be. Change it under “Your rights” if you want to be remembered.',
  asked: 'Consent is for what you ask for: add a note above, or tell an assistant to remember something. Conversations leave nothing, unless you allow it under “Your rights”.',
  on: 'Consent is on: talk, or add a note above, and what matters of it appears here.',
};

const PARTS: Record<string, string> = {
  words: 'its words',
  meaning: 'its meaning',
  words_around: 'words of what was said around it',
  meaning_around: 'meaning of what was said around it',
  person: 'who said it',
  links: 'links from what you asked about',
};

// `its words: 0.82 × 0.30`, the heaviest first.
export function whyWords(why: RecallPart[]): string[] {
  const heaviest = [...why].sort((a, b) => b.value * b.weight - a.value * a.weight);
  return heaviest.map((one) => `${PARTS[one.part] ?? one.part}: ${one.value.toFixed(2)} × ${one.weight.toFixed(2)}`);
}

export const CENTRALITY_WORDS: Record<Centrality, string> = { degree: 'connections', pagerank: 'PageRank', betweenness: 'betweenness' };

const WHATS: Record<string, string> = { fact: 'a fact', entity: 'an entity', episode: 'a text', range: 'what was said in a time', everything: 'everything' };

export function forgottenWhat(receipt: Forgotten): string {
  return WHATS[receipt.what] ?? receipt.what;
}

// `Gone: 1 fact, 2 entities. Words of 1 text were erased.`
export function forgottenWords({ facts, entities, episodes, episodes_blotted }: Forgotten): string {
  const gone = [
    facts > 0 ? count(facts, 'fact', 'facts') : '',
    entities > 0 ? count(entities, 'entity', 'entities') : '',
    episodes > 0 ? count(episodes, 'text', 'texts') : '',
  ].filter(Boolean);
  const erased = episodes_blotted > 0 ? ` Words of ${count(episodes_blotted, 'text', 'texts')} were erased.` : '';
  return `${gone.length > 0 ? `Gone: ${gone.join(', ')}.` : 'Nothing was there to go whole.'}${erased}`;
}

export function backupsWords(receipt: Forgotten): string {
  return receipt.backups_gone_at
    ? `Backups that may hold it are deleted by ${moment(receipt.backups_gone_at)}.`
    : 'Nothing is backed up here that could still hold it.';
}

// Each state once, though pages of a list that grows may overlap.
export function distinct(facts: Fact[]): Fact[] {
  return [...new Map(facts.map((fact) => [`${fact.id} ${fact.recorded_at}`, fact])).values()];
}

// The text in three: before a quote, the quote, after it. Bytes are UTF-8's; where they fit the text no longer, all is before it.
export function around(text: string, start: number, end: number): [string, string, string] {
  const bytes = new TextEncoder().encode(text);
  if (!(start < end && end <= bytes.length)) return [text, '', ''];
  const cut = (from: number, to?: number) => new TextDecoder().decode(bytes.subarray(from, to));
  return [cut(0, start), cut(start, end), cut(end)];
}

// The moment at which a day is over where the reader is: what was believed on it, at its end.
export function endOf(date: string): string {
  const [year = 0, month = 1, dayOfMonth = 1] = date.split('-').map(Number);
  return new Date(year, month - 1, dayOfMonth + 1).toISOString();
}

// Where a decision was made already, which fact it was for.
export function decided({ fact, by }: Conflict): Fact | undefined {
  return [fact, by].find((one) => one?.cause === 'overruled');
}
