// Who may read a document, as people write and see it: `user:ada`, `group:legal`, `key:scanner`.
import type { Reader } from '../api/types';

const KINDS = ['user', 'group', 'key'];

// A bare name is a person's.
export function asHolder(typed: string): string {
  const text = typed.trim();
  return KINDS.some((kind) => text.startsWith(`${kind}:`)) ? text : `user:${text}`;
}

// As it would be typed. Somebody who is gone, or is not the only one of that name, keeps the id.
export function asTyped(reader: Reader, others: Reader[]): string {
  const kind = reader.holder.split(':')[0] ?? '';
  const isAlone = others.every((one) => one === reader || one.name !== reader.name || !one.holder.startsWith(`${kind}:`));
  return reader.name && isAlone ? `${kind}:${reader.name}` : reader.holder;
}

// `ada, group legal, key scanner`, of what is typed.
export function readersInWords(holders: string[]): string {
  const one = (holder: string) => holder.replace(/^user:/, '').replace(/^(group|key):/, '$1 ');
  return holders.length > 0 ? holders.map(one).join(', ') : 'everybody in the workspace';
}
