// What the browser does for passkeys. Its refusals, which name no reason on purpose, are told as what may be behind them.
import { ApiError } from '../api/client';

// Browsers give a passkey only to the site that it was made for, and only some can read the server's options.
export function passkeysWorkAt(host: string | undefined): host is string {
  const { hostname } = window.location;
  const canRead = 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
  return canRead && host !== undefined && (hostname === host || hostname.endsWith(`.${host}`));
}

export function makePasskey(options: PublicKeyCredentialCreationOptionsJSON): Promise<PublicKeyCredentialJSON> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return answered(navigator.credentials.create({ publicKey }));
}

export function signWithPasskey(options: PublicKeyCredentialRequestOptionsJSON): Promise<PublicKeyCredentialJSON> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return answered(navigator.credentials.get({ publicKey }));
}

async function answered(asked: Promise<Credential | null>): Promise<PublicKeyCredentialJSON> {
  try {
    const credential = (await asked) as PublicKeyCredential;
    return credential.toJSON() as PublicKeyCredentialJSON;
  } catch (error) {
    throw inWords(error);
  }
}

function inWords(error: unknown): unknown {
  if (!(error instanceof DOMException)) return error;
  if (error.name === 'InvalidStateError') return new ApiError(0, 'passkey_exists', 'This device has a passkey of your account already');
  if (error.name === 'NotAllowedError') return new ApiError(0, 'passkey_not_given', 'No passkey was given: it was called off, took too long, or there is none here');
  return error;
}
