// An empty input for a flow, from the `input:` of its YAML: enough to begin typing, whatever form it has.

const EMPTY: Record<string, unknown> = { text: '', number: 0, integer: 0, boolean: false, list: [], object: {} };

export function inputOf(source: string): Record<string, unknown> {
  const pairs = inline(source) ?? block(source);
  return Object.fromEntries(pairs.map(([name, type]) => [name, EMPTY[type] ?? null]));
}

// `input: {question: text, limit: integer?}`; what may be left out is left out.
function inline(source: string): [string, string][] | null {
  const text = /^input:[ \t]*\{(.*)\}[ \t]*(?:#.*)?$/m.exec(source)?.[1];
  if (text === undefined) return null;
  return [...text.matchAll(/([\w-]+):\s*([a-z]+)(?=\s*(?:,|$))/g)].map(([, name = '', type = '']) => [name, type]);
}

// The same in lines below `input:`.
function block(source: string): [string, string][] {
  const text = /^input:[ \t]*(?:#.*)?\n((?:[ \t]+.*\n?|\n)*)/m.exec(source)?.[1] ?? '';
  return [...text.matchAll(/^[ \t]+([\w-]+):[ \t]*([a-z]+)[ \t]*(?:#.*)?$/gm)].map(([, name = '', type = '']) => [name, type]);
}
