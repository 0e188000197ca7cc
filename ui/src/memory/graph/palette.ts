// The colours of a drawing, on light paper and on dark. A colour is never alone: the legend and the list say the word.
import { ENTITY_KINDS, type EntityKind } from '../../api/memory';

export interface Palette {
  paper: string;
  ink: string;
  soft: string;
  line: string;
  faint: string;
  mark: string;
}

const LIGHT = ['#8f2a1c', '#1f5f8b', '#2c6142', '#8a4b00', '#6b3f8f', '#a3446f', '#3a6f78', '#5b6b2a', '#7a5a3a', '#44508f', '#8c6d00', '#6c665c'];
const DARK = ['#f0a08f', '#84bdea', '#8ecba5', '#eeb565', '#c5a3e8', '#f09ac0', '#7fc8d1', '#b9cb7c', '#cfae8b', '#a3aef0', '#e0cb6a', '#aaa397'];

export function isDark(): boolean {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : window.matchMedia('(prefers-color-scheme: dark)').matches;
}

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  const [paper, soft] = [of('--sheet'), of('--ink-soft')];
  return { paper, soft, ink: of('--ink'), line: mixed(soft, paper, 0.55), faint: mixed(soft, paper, 0.12), mark: of('--rubric') };
}

// So much of one colour on another: what shines through is dear where there is no graphics card. Both as the built style has them,
// `#rrggbb` or `#rgb`.
function mixed(one: string, other: string, share: number): string {
  const [over, under] = [parts(one), parts(other)];
  return `#${over.map((part, at) => Math.round(part * share + (under[at] ?? 0) * (1 - share)).toString(16).padStart(2, '0')).join('')}`;
}

function parts(colour: string): number[] {
  const digits = colour.replace('#', '');
  const whole = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits;
  return [0, 2, 4].map((at) => parseInt(whole.slice(at, at + 2), 16));
}

export function colourOfKind(kind: EntityKind, dark: boolean): string {
  return nth(Math.max(0, ENTITY_KINDS.indexOf(kind)), dark);
}

// Communities have no end; colours come again after twelve.
export function colourOfCommunity(number: number | undefined, dark: boolean): string {
  return number === undefined ? nth(11, dark) : nth(number % 11, dark);
}

function nth(at: number, dark: boolean): string {
  return (dark ? DARK : LIGHT)[at] ?? '#777777';
}
