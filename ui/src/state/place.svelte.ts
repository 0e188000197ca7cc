// The workspace that every request names; none is the server's standard one, whose name it tells.

export const place = $state<{ workspace: string | undefined; standard: string | undefined }>({ workspace: undefined, standard: undefined });
