// Requests to the server that this page came from: the key, the door, and every failure as one kind of error.
import { door } from '../state/door.svelte';
import { keyring } from '../state/keyring.svelte';

// A failure as the server told it, or, with status 0, as the network did.
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

// Sends a request, again once somebody has signed in where the server wants that. Any answer but 2xx is thrown as ApiError.
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const entries = door.entries;
    const response = await once(path, init, keyring.key);
    if (response.ok) return response;
    const error = problem(response.status, await response.text().catch(() => ''));
    if (!door.isShutBy(error)) throw error;
    await door.opened(entries, error.code);
  }
}

// Sends a request, whatever comes back.
export function once(path: string, init: RequestInit, key: string | null): Promise<Response> {
  return reach(path, { ...init, headers: withKey(init.headers, key) });
}

export async function getJson<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await send(path, init);
  return (await response.json()) as T;
}

export function postJson(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return sendJson('POST', path, body, signal ? { signal } : {});
}

export function sendJson(method: string, path: string, body: unknown, init: RequestInit = {}): Promise<Response> {
  const headers = { ...(init.headers as Record<string, string>), 'content-type': 'application/json' };
  return send(path, { ...init, method, headers, body: JSON.stringify(body) });
}

export async function changeJson<T>(method: string, path: string, body: unknown): Promise<T> {
  const response = await sendJson(method, path, body);
  return (await response.json()) as T;
}

// `?a=1&b=2` of the values that are set.
export function query(values: Record<string, string | number | undefined>): string {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
  return pairs.length > 0 ? `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)]))}` : '';
}

// Posts a form and tells how many of its bytes have left; fetch cannot tell that.
export async function postForm(path: string, form: FormData, onSent: (bytes: number) => void): Promise<string> {
  for (;;) {
    const entries = door.entries;
    const { status, text } = await postFormOnce(path, form, keyring.key, onSent);
    if (status >= 200 && status < 300) return text;
    const error = problem(status, text);
    if (!door.isShutBy(error)) throw error;
    await door.opened(entries, error.code);
  }
}

function postFormOnce(path: string, form: FormData, key: string | null, onSent: (bytes: number) => void) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    if (key) request.setRequestHeader('authorization', `Bearer ${key}`);
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onload = () => resolve({ status: request.status, text: request.responseText });
    request.onerror = () => reject(unreachable());
    request.send(form);
  });
}

export function unreachable(): ApiError {
  return new ApiError(0, 'server_unreachable', 'The server cannot be reached. See whether “ibid serve” is running.');
}

export function problem(status: number, text: string): ApiError {
  try {
    const { error } = JSON.parse(text) as { error: { code: string; message: string; request_id?: string } };
    return new ApiError(status, String(error.code), String(error.message), error.request_id);
  } catch {
    return new ApiError(status, `http_${status}`, text.slice(0, 300) || `The server answered ${status}.`);
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(0, 'page_error', error instanceof Error ? error.message : String(error));
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw unreachable();
  }
}

function withKey(headers: HeadersInit | undefined, key: string | null): Headers {
  const result = new Headers(headers);
  if (key) result.set('authorization', `Bearer ${key}`);
  return result;
}
