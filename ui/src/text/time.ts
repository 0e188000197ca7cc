// How long something lasted, is ago, or has left, as people say it.

// `45 s`, `12 min`, `3 h 5 min`, `4 days`
export function lasted(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

// `just now`, `3 min ago`. Below a minute it does not count, so that lists stand still.
export function ago(at: number, now: number): string {
  const ms = now - at;
  return ms < 60_000 ? 'just now' : `${lasted(ms)} ago`;
}

// `4:59`, `1:02:03`; a time that is over counts on with a minus.
export function countdown(ms: number): string {
  const seconds = Math.abs(Math.trunc(ms / 1000));
  const two = (part: number) => String(part).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  const text = hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
  return ms < 0 ? `−${text}` : text;
}
