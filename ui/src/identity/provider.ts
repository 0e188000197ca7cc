// Why somebody came back from the sign-in provider without being let in, by the server's code.

const FAILURES: Record<string, string> = {
  oidc_missing: 'This server has no sign-in provider. Sign in with a name and a password.',
  oidc_unreachable: 'The sign-in provider cannot be reached now. Try again in a moment, or sign in with a name and a password.',
  oidc_answer: 'The sign-in provider answered something that this server does not understand. Whoever runs this server must look at its settings.',
  oidc_client: 'The sign-in provider does not know this server any more. Whoever runs this server must look at its settings.',
  oidc_refused: 'The sign-in was not finished as it was begun: it took too long, or was begun in another browser. Begin again.',
  oidc_denied: 'The sign-in provider did not let you in. Try again, or ask whoever runs it.',
  oidc_unknown: 'The sign-in provider knows you, but you have no account here. Whoever administers this server makes one.',
  oidc_name_taken: 'Your name at the sign-in provider belongs to another account here. Whoever administers this server can help.',
  account_disabled: 'Your account is kept out. Ask whoever administers this server.',
  name_malformed: 'Your name at the sign-in provider cannot be the name of an account here. Whoever administers this server can make an account for you.',
};

export function failureWords(code: string): string {
  return FAILURES[code] ?? 'The sign-in with the provider failed. Try again, or sign in with a name and a password.';
}
