// The second factors of the scripted server's accounts: apps, passkeys and recovery codes, with canned options for the browser.
import { json, problem } from './wire.js';

export const APP_CODE = '287082';
export const RECOVERY_CODES = Array.from({ length: 10 }, (_, index) => `k3mq-7w2x-9abc-defg-hjkm-npq${index}`);
// What the picture shows matters to no test; it is as fine as a real one.
const PICTURE_SIZE = 61;
const MODULES = Array.from({ length: 53 * 53 }, (_, index) => [4 + (index % 53), 4 + Math.floor(index / 53)]);
const PICTURE = MODULES.filter(([x, y]) => (x * x * 31 + y * y * 17 + x * y * 7) % 11 < 5).map(([x, y]) => `M${x},${y}h1v1h-1z`).join('');
const encoded = (text) => Buffer.from(text).toString('base64url');

export class FactorRoutes {
  hasApp = false;
  passkeys = [];
  codes = [];
  isRequired = false;
  // Challenges that were given out and not answered yet, by their id.
  #challenges = new Map();

  constructor(identity) {
    this.identity = identity;
  }

  get isThere() {
    return this.hasApp || this.passkeys.length > 0;
  }

  // Whether a sign-in with this code may pass; else why not.
  refused(code) {
    if (!this.isThere) return null;
    if (!code) return { code: 'second_factor_needed', message: this.hasApp ? 'type the code that your authenticator app shows, or a recovery code' : 'sign in with your passkey, or type a recovery code' };
    if (this.codes.includes(code)) return this.#use(code);
    return this.hasApp && code === APP_CODE ? null : { code: 'second_factor_wrong', message: 'the code is wrong, or was used before; wait for the next one, and compare the clocks' };
  }

  // Why who asks is not taken for who is signed in: by the password, or a passkey's answer to a challenge.
  unproven({ password = '', passkey }) {
    const isKnown = passkey && this.passkeys.some((one) => one.id === passkey.credential.id);
    if (passkey) return isKnown && this.#isAnswered(passkey.id, passkey.credential) ? null : { code: 'passkey_refused', message: 'this passkey opens no account here; sign in otherwise' };
    return password === this.identity.passwords[this.identity.signedIn] ? null : { code: 'sign_in_failed', message: 'the name or the password is wrong' };
  }

  #use(code) {
    this.codes = this.codes.filter((one) => one !== code);
    return null;
  }

  // True where the path is one of these.
  route(name, part, other, asked, response) {
    const confirmed = (work) => {
      const refused = this.unproven(asked) ?? (asked.passkey ? null : this.refused(asked.code));
      return refused ? problem(response, 401, 'unauthenticated', refused.code, refused.message) : work();
    };
    const done = () => response.writeHead(204).end();
    const routes = {
      'GET factors': () => json(response, { has_app: this.hasApp, passkeys: this.passkeys, recovery_codes_left: this.codes.length, is_required: this.isRequired }),
      'POST app': () => confirmed(() => json(response, { id: 'app-1', secret: 'GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ', uri: 'otpauth://totp/Ibid:ada?secret=GEZDGNBVGY3TQOJQ', picture: PICTURE, picture_size: PICTURE_SIZE })),
      'PUT app': () => this.#addApp(asked, response),
      'POST app/remove': () => confirmed(() => ((this.hasApp = false), done())),
      'POST recovery-codes': () => confirmed(() => this.#newCodes(response)),
      'POST passkeys/begin': () => confirmed(() => json(response, this.#challenge(CREATION))),
      'POST passkeys': () => this.#addPasskey(asked, response),
      'POST passkeys/remove': () => confirmed(() => ((this.passkeys = this.passkeys.filter((one) => one.id !== part)), done())),
      'POST passkey-sign-in/begin': () => json(response, this.#challenge(REQUEST)),
      'POST passkey-sign-in': () => this.#signIn(asked, response),
    };
    const step = other ?? (['begin', 'remove'].includes(part) ? part : undefined);
    const route = routes[step ? `${name}/${step}` : name];
    route?.();
    return route !== undefined;
  }

  #challenge(options) {
    const id = `challenge-${this.#challenges.size + 1}`;
    const challenge = encoded(`challenge ${id} of sixteen bytes and more`);
    this.#challenges.set(id, challenge);
    return { id, options: { ...options, challenge, ...(options.rp ? { excludeCredentials: this.passkeys.map(({ id }) => ({ type: 'public-key', id })) } : {}) } };
  }

  // Whether the credential answers the challenge; each can be answered once.
  #isAnswered(id, credential) {
    const signed = JSON.parse(Buffer.from(credential.response.clientDataJSON, 'base64url'));
    const isRight = this.#challenges.get(id) === signed.challenge;
    this.#challenges.set(id, null);
    return isRight;
  }

  #addApp({ code }, response) {
    if (code !== APP_CODE) return problem(response, 400, 'bad_request', 'second_factor_wrong', 'this is not the code that the app shows for the picture; type the one that it shows now');
    this.hasApp = true;
    return this.#firstCodes(response);
  }

  #addPasskey({ id, name, credential }, response) {
    if (!this.#isAnswered(id, credential)) return problem(response, 401, 'unauthenticated', 'passkey_late', 'the answer came too late, or a second time; try again');
    this.passkeys.push({ id: credential.id, name, created_at: new Date().toISOString(), is_backed_up: false });
    return this.#firstCodes(response);
  }

  #signIn({ id, credential }, response) {
    const passkey = this.passkeys.find((one) => one.id === credential.id);
    if (!passkey || !this.#isAnswered(id, credential)) return problem(response, 401, 'unauthenticated', 'passkey_refused', 'this passkey opens no account here; sign in otherwise');
    passkey.used_at = new Date().toISOString();
    this.identity.signedIn = 'ada';
    return json(response, this.identity.me());
  }

  #firstCodes(response) {
    return this.codes.length > 0 ? json(response, { codes: [] }) : this.#newCodes(response);
  }

  #newCodes(response) {
    this.codes = [...RECOVERY_CODES];
    json(response, { codes: this.codes });
  }
}

const CREATION = {
  rp: { id: 'localhost', name: 'Ibid' },
  user: { id: encoded('u-ada'), name: 'ada', displayName: 'ada' },
  pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
  authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  attestation: 'none',
  timeout: 300_000,
};
const REQUEST = { rpId: 'localhost', userVerification: 'required', timeout: 300_000 };
