// Where the reader is: `#/` a fresh question, `#/chat/ID`, `#/documents`, `#/documents/ID`, `#/search`, `#/runs`, `#/runs/ID`,
// `#/approvals`, `#/flows`, `#/flows/NAME`, `#/new-flow`, `#/operations`, `#/operations/TAB`, `#/operations/TAB/ID`, `#/api`.

export const TABS = ['overview', 'charts', 'alerts', 'incidents', 'backups', 'runbooks'] as const;
export type Tab = (typeof TABS)[number];

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
  | { page: 'api' };

const LISTS = ['documents', 'search', 'runs', 'approvals', 'flows', 'api'] as const;
const ONES = { documents: 'document', runs: 'run', flows: 'flow' } as const;

class Router {
  current = $state<Route>(read());

  constructor() {
    window.addEventListener('hashchange', () => (this.current = read()));
  }

  go(hash: string) {
    window.location.hash = hash;
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

function read(): Route {
  const [name, part, rest] = window.location.hash.replace(/^#\/?/, '').split('/');
  const id = part ? decode(part) : null;
  if (name === 'new-flow') return { page: 'flow', id: null };
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
