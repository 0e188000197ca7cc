// Where the reader is: `#/` a fresh question, `#/chat/ID`, `#/documents`, `#/documents/ID`, `#/search`, `#/runs`, `#/runs/ID`,
// `#/approvals`, `#/flows`, `#/flows/NAME`, `#/new-flow`, `#/operations`, `#/api`.

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
  | { page: 'operations' }
  | { page: 'api' };

const LISTS = ['documents', 'search', 'runs', 'approvals', 'flows', 'operations', 'api'] as const;
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

function read(): Route {
  const [name, part] = window.location.hash.replace(/^#\/?/, '').split('/');
  const id = part ? decode(part) : null;
  if (name === 'new-flow') return { page: 'flow', id: null };
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
