// The workspace that every request names; none is the server's default one.

export const place = $state<{ workspace: string | undefined }>({ workspace: undefined });
