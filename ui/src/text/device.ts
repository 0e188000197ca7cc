// What a browser says of itself, as people name it: `Firefox on Linux`. What is not known stays as it is, cut.

const SHOWN_CHARS_MAX = 60;
// The first that fits: many say that they are several.
const BROWSERS: [string, string][] = [
  ['Edg', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
  ['curl/', 'curl'],
];
const SYSTEMS: [string, string][] = [
  ['Android', 'Android'],
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Windows', 'Windows'],
  ['Mac OS X', 'macOS'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
];

export function browserOf(device: string): string {
  const first = (list: [string, string][]) => list.find(([mark]) => device.includes(mark))?.[1];
  const [browser, system] = [first(BROWSERS), first(SYSTEMS)];
  if (browser) return system ? `${browser} on ${system}` : browser;
  return device.trim().slice(0, SHOWN_CHARS_MAX) || 'a program without a name';
}
