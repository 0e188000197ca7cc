// With what somebody signs in besides the password: an authenticator app, passkeys, recovery codes. Each change takes a proof
// of who asks. Names and shapes are the server's.
import type { Me } from './identity';
import { changeJson, getJson, sendJson } from './client';

export interface Passkey {
  id: string;
  name: string;
  created_at: string;
  used_at?: string;
  is_backed_up: boolean;
}

export interface Factors {
  has_app: boolean;
  passkeys: Passkey[];
  recovery_codes_left: number;
  is_required: boolean;
}

// An app that is being set up. `picture` is a path of SVG in a square whose side is `picture_size`.
export interface NewApp {
  id: string;
  secret: string;
  uri: string;
  picture: string;
  picture_size: number;
}

// Something for the browser to sign; `id` goes with the answer.
export interface Challenge<Options> {
  id: string;
  options: Options;
}

// Codes that are shown this once; none where the former ones still count.
interface Shown {
  codes: string[];
}

type Credential = PublicKeyCredentialJSON;

// What a sign-in takes, once more: the password (an empty one for accounts without) and the code where there is a factor, or a passkey's
// answer to a challenge of a sign-in.
export interface Proof {
  password?: string;
  code?: string;
  passkey?: { id: string; credential: Credential };
}

const shown = async (asked: Promise<Shown>): Promise<string[]> => (await asked).codes;

export const factors = () => getJson<Factors>('/v1/auth/factors');

export const beginApp = (proof: Proof) => changeJson<NewApp>('POST', '/v1/auth/app', proof);
export const addApp = (id: string, code: string) => shown(changeJson('PUT', '/v1/auth/app', { id, code }));
export const removeApp = (proof: Proof) => sendJson('POST', '/v1/auth/app/remove', proof);

export const renewCodes = (proof: Proof) => shown(changeJson('POST', '/v1/auth/recovery-codes', proof));

export const beginPasskey = (proof: Proof) =>
  changeJson<Challenge<PublicKeyCredentialCreationOptionsJSON>>('POST', '/v1/auth/passkeys/begin', proof);
export const addPasskey = (id: string, name: string, credential: Credential) =>
  shown(changeJson('POST', '/v1/auth/passkeys', { id, name, credential }));
export const removePasskey = (id: string, proof: Proof) =>
  sendJson('POST', `/v1/auth/passkeys/${encodeURIComponent(id)}/remove`, proof);

export const beginPasskeySignIn = () =>
  changeJson<Challenge<PublicKeyCredentialRequestOptionsJSON>>('POST', '/v1/auth/passkey-sign-in/begin', {});
export const signInWithPasskey = (id: string, credential: Credential) =>
  changeJson<Me>('POST', '/v1/auth/passkey-sign-in', { id, credential });
