// Where the reader is: `#/` ask, `#/documents`, `#/documents/ID`, `#/search`, `#/api`.

export type Route =
  | { page: 'ask' }
  | { page: 'documents' }
  | { page: 'document'; id: string }
  | { page: 'search' }
  | { page: 'api' };

class Router {
  current = $state<Route>(read());

  constructor() {
    window.addEventListener('hashchange', () => (this.current = read()));
  }

  go(hash: string) {
    window.location.hash = hash;
  }
}

export function hrefOfDocument(id: string): string {
  return `#/documents/${encodeURIComponent(id)}`;
}

function read(): Route {
  const [page, id] = window.location.hash.replace(/^#\/?/, '').split('/');
  if (page === 'documents' && id) return { page: 'document', id: decode(id) };
  if (page === 'documents' || page === 'search' || page === 'api') return { page };
  return { page: 'ask' };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const router = new Router();
