// From points to the shapes and words of a line chart.
import type { Line, Point } from '../api/operations';
import type { Unit } from '../operations/views';

export interface Box {
  width: number;
  height: number;
}

// The largest value that is worth an axis: 1, 2 or 5 times a power of ten at or above it.
export function ceiling(lines: Line[]): number {
  const most = Math.max(0, ...lines.flatMap((line) => line.points.map((point) => point.value ?? 0)));
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((step) => step * power >= most) ?? 10) * power;
}

// The path of a line; where a point has no value the line is interrupted.
export function path(points: Point[], top: number, box: Box): string {
  const across = Math.max(1, points.length - 1);
  let isOpen = false;
  const parts = points.map((point, at) => {
    if (point.value === null) {
      isOpen = false;
      return '';
    }
    const x = ((at / across) * box.width).toFixed(1);
    const y = (box.height - (Math.min(point.value, top) / top) * box.height).toFixed(1);
    const part = `${isOpen ? 'L' : 'M'}${x} ${y}`;
    isOpen = true;
    return part;
  });
  return parts.join('');
}

// The points between two gaps, which are no line: strokes of no length, to be drawn with round ends.
export function dots(points: Point[], top: number, box: Box): string {
  const alone = points.map((point, at) => ((points[at - 1]?.value ?? null) === null && (points[at + 1]?.value ?? null) === null ? point : { ...point, value: null }));
  return path(alone, top, box).replace(/M[^M]*/g, (part) => `${part}h0`);
}

// A value with its unit, short.
export function amount(value: number, unit: Unit): string {
  if (unit === 'second') return value < 1 ? `${round(value * 1000)} ms` : value < 3600 ? `${round(value)} s` : `${round(value / 3600)} h`;
  if (unit === 'share') return `${round(value * 100)} %`;
  if (unit === 'dollar') return `$${value.toFixed(value < 1 ? 3 : 2)}`;
  const letters = unit === 'byte' ? ['B', 'kB', 'MB', 'GB', 'TB'] : ['', 'k', 'M', 'G', 'T'];
  let at = 0;
  let rest = value;
  while (rest >= 1000 && at < letters.length - 1) {
    rest /= 1000;
    at += 1;
  }
  return `${round(rest)}${unit === 'byte' ? ' ' : ''}${letters[at] ?? ''}`;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}

export function latest(points: Point[]): number | null {
  return points.findLast((point) => point.value !== null)?.value ?? null;
}

export const sum = (points: Point[]): number => points.reduce((total, point) => total + (point.value ?? 0), 0);
