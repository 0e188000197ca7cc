// Numbers, dates and names as a reader wants to see them.

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function seconds(ms: number): string {
  if (ms < 1000) return `${Math.max(1, Math.round(ms))} ms`;
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${Math.round(count / 1000)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

export function count(amount: number, one: string, many: string): string {
  return `${amount.toLocaleString('en')} ${amount === 1 ? one : many}`;
}

// The day of an RFC 3339 time; other text stays as it is.
export function day(time: string): string {
  return /^\d{4}-\d{2}-\d{2}/.exec(time)?.[0] ?? time;
}

export function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed ? `${trimmed[0]?.toUpperCase() ?? ''}${trimmed.slice(1)}${/[.!?…:]$/.test(trimmed) ? '' : '.'}` : '';
}

// With a capital at its beginning, as a title.
export function capital(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
}

// `p. 12 · Chapter › Section`, of what is known.
export function place(quoted: { page?: number; heading_path: string[]; episode?: string }): string {
  const parts = [quoted.page ? `p. ${quoted.page}` : '', quoted.heading_path.join(' › '), quoted.episode ? 'from memory' : ''];
  return parts.filter(Boolean).join(' · ');
}

export function confidenceWord(confidence: number): string {
  if (confidence >= 0.75) return 'high';
  return confidence >= 0.45 ? 'medium' : 'low';
}

// `9:05:12` of an RFC 3339 time in the reader's own zone; other text stays as it is.
export function clock(time: string): string {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? time : at.toLocaleTimeString('en-GB');
}

// `2026-11-21 09:05` in the reader's own zone; other text stays as it is.
export function moment(time: string): string {
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return time;
  const two = (part: number) => String(part).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

// The times in a sentence of the server's, `2026-11-21T09:05:12.345Z`, in the reader's own zone: `9:05:12`, with the day where it
// is another.
export function atHome(text: string, now: Date = new Date()): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, (time) =>
    new Date(time).toDateString() === now.toDateString() ? clock(time) : moment(time),
  );
}

// randomUUID is there only on secure origins, which a plain address in a home network is not.
export function randomName(): string {
  const random = crypto.getRandomValues(new Uint32Array(4));
  return [...random].map((part) => part.toString(16).padStart(8, '0')).join('');
}
