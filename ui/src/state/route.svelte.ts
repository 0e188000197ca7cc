// Where the reader is: `#/` a fresh question, `#/chat/ID`, `#/documents`, `#/documents/ID`, `#/search`, `#/runs`, `#/runs/ID`,
// `#/approvals`, `#/flows`, `#/flows/NAME`, `#/new-flow`, `#/operations`, `#/operations/TAB`, `#/operations/TAB/ID`, `#/people`,
// `#/people/TAB`, `#/memory`, `#/memory/TAB`, `#/memory/TAB/ID`, `#/account`, `#/api`, `#/welcome/TOKEN`. `#/sign-in/CODE` is `#/` for whoever came back from the sign-in provider
// without being let in.
// Keeps true: a one-time token leaves the address bar and the history before anything else is done.
import { door } from './door.svelte';

export const TABS = ['overview', 'charts', 'alerts', 'incidents', 'backups', 'providers', 'blocked', 'runbooks'] as const;
export type Tab = (typeof TABS)[number];
export const PEOPLE_TABS = ['accounts', 'groups', 'keys', 'audit'] as const;
export type PeopleTab = (typeof PEOPLE_TABS)[number];
export const MEMORY_TABS = ['facts', 'told', 'entities', 'conflicts', 'graph', 'rights'] as const;
export type MemoryTab = (typeof MEMORY_TABS)[number];

export type Route =
  | { page: 'chat'; id: string | null }
  | { page: 'documents' }
  | { page: 'document'; id: string }
  | { page: 'search' }
  | { page: 'runs' }
  | { page: 'run'; id: string }
  | { page: 'approvals' }
  | { page: 'flows' }
  | { page: 'flow'; id: string | null }
  | { page: 'operations'; tab: Tab; id: string | null }
  | { page: 'people'; tab: PeopleTab }
  | { page: 'memory'; tab: MemoryTab; id: string | null }
  | { page: 'welcome'; token: string | null }
  | { page: 'account' }
  | { page: 'api' };

const LISTS = ['documents', 'search', 'runs', 'approvals', 'flows', 'account', 'api'] as const;
const ONES = { documents: 'document', runs: 'run', flows: 'flow' } as const;

class Router {
  current = $state<Route>(read());

  constructor() {
    window.addEventListener('hashchange', () => (this.current = read()));
  }

  go(hash: string) {
    window.location.hash = hash;
  }

  // Goes there without a step back to where one was.
  instead(hash: string) {
    window.history.replaceState(null, '', hash);
    this.current = read();
  }
}

export const hrefOfDocument = (id: string) => `#/documents/${encodeURIComponent(id)}`;
export const hrefOfThread = (id: string) => `#/chat/${encodeURIComponent(id)}`;
export const hrefOfRun = (id: string) => `#/runs/${encodeURIComponent(id)}`;
export const hrefOfFlow = (name: string) => `#/flows/${encodeURIComponent(name)}`;

// The first tab has the plain address.
export function hrefOfOperations(tab: Tab, id?: string | number): string {
  if (id !== undefined) return `#/operations/${tab}/${encodeURIComponent(id)}`;
  return tab === 'overview' ? '#/operations' : `#/operations/${tab}`;
}

// The first tab has the plain address.
export const hrefOfPeople = (tab: PeopleTab) => (tab === 'accounts' ? '#/people' : `#/people/${tab}`);

// The first tab has the plain address.
export function hrefOfMemory(tab: MemoryTab, id?: string): string {
  if (id !== undefined) return `#/memory/${tab}/${encodeURIComponent(id)}`;
  return tab === 'facts' ? '#/memory' : `#/memory/${tab}`;
}

function read(): Route {
  const [name, part, rest] = window.location.hash.replace(/^#\/?/, '').split('/');
  const id = part ? decode(part) : null;
  if (name === 'new-flow') return { page: 'flow', id: null };
  if (name === 'welcome') {
    window.history.replaceState(null, '', '#/welcome');
    return { page: 'welcome', token: id };
  }
  if (name === 'sign-in') {
    window.history.replaceState(null, '', '#/');
    door.failure = id;
    return { page: 'chat', id: null };
  }
  if (name === 'people') return { page: 'people', tab: PEOPLE_TABS.find((one) => one === part) ?? 'accounts' };
  if (name === 'memory') return { page: 'memory', tab: MEMORY_TABS.find((one) => one === part) ?? 'facts', id: rest ? decode(rest) : null };
  if (name === 'operations') return { page: 'operations', tab: TABS.find((one) => one === part) ?? 'overview', id: rest ? decode(rest) : null };
  if (id && (name === 'documents' || name === 'runs' || name === 'flows')) return { page: ONES[name], id };
  const page = LISTS.find((one) => one === name);
  return page ? { page } : { page: 'chat', id: name === 'chat' ? id : null };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const router = new Router();
