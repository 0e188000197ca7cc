// With what somebody signs in besides the password: an authenticator app, passkeys, recovery codes. Each change takes the password
// once more, an empty one for accounts without. Names and shapes are the server's.
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

const shown = async (asked: Promise<Shown>): Promise<string[]> => (await asked).codes;

export const factors = () => getJson<Factors>('/v1/auth/factors');

export const beginApp = (password: string) => changeJson<NewApp>('POST', '/v1/auth/app', { password });
export const addApp = (id: string, code: string) => shown(changeJson('PUT', '/v1/auth/app', { id, code }));
export const removeApp = (password: string) => sendJson('POST', '/v1/auth/app/remove', { password });

export const renewCodes = (password: string) => shown(changeJson('POST', '/v1/auth/recovery-codes', { password }));

export const beginPasskey = (password: string) =>
  changeJson<Challenge<PublicKeyCredentialCreationOptionsJSON>>('POST', '/v1/auth/passkeys/begin', { password });
export const addPasskey = (id: string, name: string, credential: Credential) =>
  shown(changeJson('POST', '/v1/auth/passkeys', { id, name, credential }));
export const removePasskey = (id: string, password: string) =>
  sendJson('POST', `/v1/auth/passkeys/${encodeURIComponent(id)}/remove`, { password });

export const beginPasskeySignIn = () =>
  changeJson<Challenge<PublicKeyCredentialRequestOptionsJSON>>('POST', '/v1/auth/passkey-sign-in/begin', {});
export const signInWithPasskey = (id: string, credential: Credential) =>
  changeJson<Me>('POST', '/v1/auth/passkey-sign-in', { id, credential });
