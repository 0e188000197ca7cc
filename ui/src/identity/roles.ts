// The roles in words: what each may, for whoever gives them.
import type { Permission, RoleName } from '../api/identity';

export const ROLES: { role: RoleName; may: string }[] = [
  { role: 'reader', may: 'reads documents and asks questions' },
  { role: 'editor', may: 'the same, and adds and deletes documents' },
  { role: 'operator', may: 'looks after the server, without reading documents' },
  { role: 'auditor', may: 'sees how the server does, and the audit log' },
  { role: 'admin', may: 'all of it, and decides who may what' },
  { role: 'owner', may: 'everything, and makes other owners' },
];

export const PERMISSIONS: Record<Permission, string> = {
  enter: 'know of it',
  read: 'read documents',
  converse: 'ask questions',
  edit: 'add and delete documents',
  build: 'save flows',
  see: 'see how the server does',
  operate: 'run the server',
  audit: 'read the audit log',
  administer: 'decide who may what',
  own: 'make owners',
};

// `editor`, or `reader in legal`.
export const told = (one: { role: string; workspace?: string }) => (one.workspace ? `${one.role} in ${one.workspace}` : one.role);
