// A real OpenID Connect provider (oidc-provider, certified by the OpenID Foundation) on a port of its choice:
//   node --input-type=module --eval "$(cat openid.mjs)" CLIENT_ID CLIENT_SECRET REDIRECT_URL ALGORITHM
// in the folder whose packages it uses.
// Prints its issuer when it listens. Its sign-in page takes every name, with any password; "rotate" on standard input
// has it sign with another key from then on. "amr" says "mfa" of those whose name begins with "two-". It ends when standard input does.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const [client_id, client_secret, redirect_uri, algorithm] = process.argv.slice(-4);

function key(kid) {
  const kinds = {
    RS256: ['rsa', { modulusLength: 2048 }],
    PS256: ['rsa', { modulusLength: 2048 }],
    ES256: ['ec', { namedCurve: 'P-256' }],
    EdDSA: ['ed25519', {}],
  };
  const { privateKey } = generateKeyPairSync(...kinds[algorithm]);
  return { ...privateKey.export({ format: 'jwk' }), kid, alg: algorithm, use: 'sig' };
}

function provider(issuer, kid) {
  const made = new Provider(issuer, {
    clients: [{
      client_id,
      client_secret,
      redirect_uris: [redirect_uri],
      id_token_signed_response_alg: algorithm,
    }],
    enabledJWA: { idTokenSigningAlgValues: [algorithm] },
    jwks: { keys: [key(kid)] },
    cookies: { keys: ['a test'] },
    claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    pkce: { required: () => true },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id, email: `${id}@example.org`, email_verified: true, name: `The ${id}`, preferred_username: id,
      }),
    }),
  });
  // Whose name begins with "two-" has shown two factors here.
  const { loginAccount } = made.Session.prototype;
  made.Session.prototype.loginAccount = function (login) {
    loginAccount.call(this, { ...login, amr: login.accountId.startsWith('two-') ? ['pwd', 'mfa'] : ['pwd'] });
  };
  return made.callback();
}

const server = createServer((request, response) => handle(request, response));
let handle;
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  handle = provider(issuer, 'first');
  const orders = createInterface({ input: process.stdin });
  orders.on('line', (line) => {
    if (line !== 'rotate') return;
    handle = provider(issuer, 'second');
    console.log('rotated');
  });
  orders.on('close', () => process.exit());
  console.log(issuer);
});
