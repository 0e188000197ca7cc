// Forms from JSON Schema: what a person is asked for, and the value that their entries make.
// Kinds that are not known fall back to JSON as text, so that every schema can be answered.

export interface Field {
  name: string;
  label: string;
  hint: string;
  required: boolean;
  kind: 'boolean' | 'choice' | 'text' | 'number' | 'json';
  long: boolean;
  integer: boolean;
  min?: number;
  max?: number;
  options: unknown[];
  initial: string;
}

type Schema = Record<string, unknown>;

const LONG_TEXT_CHARS = 120;

// One field without a name for a plain schema; a field for each property of an object of plain ones.
export function fieldsOf(schema: unknown): Field[] {
  const given = isObject(schema) ? schema : {};
  const properties = isObject(given['properties']) ? Object.entries(given['properties']) : [];
  if (typeOf(given) !== 'object' || properties.length === 0) return [field('', given, true)];
  const required = Array.isArray(given['required']) ? given['required'] : [];
  return properties.map(([name, one]) => field(name, isObject(one) ? one : {}, required.includes(name)));
}

// The value, or why it is none.
export function valueOf(fields: Field[], entered: Record<string, string>): { value: unknown } | { problem: string; field: string } {
  const whole: Record<string, unknown> = {};
  for (const one of fields) {
    const text = entered[one.name] ?? one.initial;
    if (text.trim() === '' && one.kind !== 'text' && !one.required) continue;
    if (text === '' && !one.required) continue;
    const read = readField(one, text);
    if ('problem' in read) return { ...read, field: one.name };
    if (one.name === '') return read;
    whole[one.name] = read.value;
  }
  return { value: whole };
}

function field(name: string, schema: Schema, required: boolean): Field {
  const options = Array.isArray(schema['enum']) ? schema['enum'] : 'const' in schema ? [schema['const']] : [];
  const kind = options.length > 0 ? 'choice' : kindOf(typeOf(schema));
  const initial = 'default' in schema ? (kind === 'text' ? String(schema['default']) : JSON.stringify(schema['default'])) : '';
  const made: Field = {
    name,
    label: typeof schema['title'] === 'string' ? schema['title'] : name,
    hint: typeof schema['description'] === 'string' ? schema['description'] : '',
    required,
    kind,
    long: typeof schema['maxLength'] !== 'number' || schema['maxLength'] > LONG_TEXT_CHARS,
    integer: typeOf(schema) === 'integer',
    options,
    initial,
  };
  if (typeof schema['minimum'] === 'number') made.min = schema['minimum'];
  if (typeof schema['maximum'] === 'number') made.max = schema['maximum'];
  return made;
}

function kindOf(type: string): Field['kind'] {
  if (type === 'boolean') return 'boolean';
  if (type === 'string') return 'text';
  return type === 'number' || type === 'integer' ? 'number' : 'json';
}

function readField(one: Field, text: string): { value: unknown } | { problem: string } {
  if (one.kind === 'text') return text === '' ? { problem: 'say something' } : { value: text };
  if (text.trim() === '') return { problem: one.kind === 'choice' || one.kind === 'boolean' ? 'choose one' : 'fill this in' };
  if (one.kind === 'number') return readNumber(one, text);
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'this is not JSON' };
  }
}

function readNumber(one: Field, text: string): { value: number } | { problem: string } {
  const value = Number(text);
  if (!Number.isFinite(value)) return { problem: 'this is not a number' };
  if (one.integer && !Number.isInteger(value)) return { problem: 'a whole number is wanted' };
  if (one.min !== undefined && value < one.min) return { problem: `at least ${one.min}` };
  if (one.max !== undefined && value > one.max) return { problem: `at most ${one.max}` };
  return { value };
}

function typeOf(schema: Schema): string {
  const type: unknown = schema['type'];
  if (typeof type === 'string') return type;
  if (Array.isArray(type)) return type.find((one): one is string => typeof one === 'string' && one !== 'null') ?? '';
  return isObject(schema['properties']) ? 'object' : '';
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
