// The rooms that the header leads to, for whoever may enter them.
import { account } from './account.svelte';
import { conversation } from './conversation.svelte';

export interface Room {
  page: string;
  href: string;
  label: string;
}

export function rooms(): Room[] {
  const mayConverse = account.may('converse');
  const mayRead = account.may('read');
  const mayAdminister = account.mayEverywhere('administer');
  const all: [boolean, string, string, string][] = [
    // The conversation that was left is what one comes back to.
    [mayConverse, 'chat', conversation.href, 'Chat'],
    [mayRead, 'search', '#/search', 'Search'],
    [mayRead, 'documents', '#/documents', 'Documents'],
    [mayRead, 'memory', '#/memory', 'Memory'],
    [mayConverse, 'runs', '#/runs', 'Runs'],
    [mayConverse, 'flows', '#/flows', 'Flows'],
    [account.mayEverywhere('see'), 'operations', '#/operations', 'Operations'],
    [mayAdminister || account.mayEverywhere('audit'), 'people', mayAdminister ? '#/people' : '#/people/audit', 'People'],
    [account.me !== null, 'api', '#/api', 'API'],
  ];
  return all.filter(([may]) => may).map(([, page, href, label]) => ({ page, href, label }));
}
