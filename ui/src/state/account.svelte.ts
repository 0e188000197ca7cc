// Who is in, and what they may do where.
// Keeps true: nothing that one person has on the screen stays there for another.
import type { Me, Permission } from '../api/identity';
import { place } from './place.svelte';

class Account {
  me = $state.raw<Me | null>(null);

  // Somebody to whom nothing was granted yet.
  get isStranger(): boolean {
    return this.me !== null && this.me.everywhere.length === 0 && this.me.workspaces.length === 0;
  }

  // Another than before begins with a fresh page; whoever is not let in everywhere, in a workspace of theirs.
  take(me: Me) {
    if (this.me && (this.me.kind !== me.kind || this.me.name !== me.name)) return startAnew();
    if (!place.workspace && !me.everywhere.includes('enter')) place.workspace = me.workspaces[0]?.name;
    this.me = me;
  }

  // In the workspace at hand.
  may(permission: Permission): boolean {
    const here = this.me?.workspaces.find((one) => one.name === (place.workspace ?? place.standard));
    return here?.permissions.includes(permission) ?? this.mayEverywhere(permission);
  }

  mayEverywhere(permission: Permission): boolean {
    return this.me?.everywhere.includes(permission) ?? false;
  }

  maySomewhere(permission: Permission): boolean {
    return this.mayEverywhere(permission) || (this.me?.workspaces.some((one) => one.permissions.includes(permission)) ?? false);
  }
}

// Loads the page again at its beginning, with nothing in its memory.
export function startAnew() {
  window.history.replaceState(null, '', '#/');
  window.location.reload();
}

export const account = new Account();
