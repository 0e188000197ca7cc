// Addresses that the server does not answer.
import { changeJson, getJson, query, send } from './client';

export interface Block {
  // An address, or a network as `192.0.2.0/24`.
  network: string;
  reason: string;
  // An administrator, or `server` where the address guessed too often.
  made_by: string;
  created_at: string;
  // Left out: until it is ended.
  until?: string;
}

export const blocks = () => getJson<Block[]>('/v1/limits/blocks');
export const block = (asked: { network: string; minutes?: number; reason: string }) => changeJson<Block>('PUT', '/v1/limits/blocks', asked);
export const unblock = (network: string) => send(`/v1/limits/blocks${query({ network })}`, { method: 'DELETE' });
