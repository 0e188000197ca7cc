// What the try-out page needs of /openapi.json: endpoints, their parameters, and an example body.

export interface Parameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  description: string;
  type: string;
}

export interface Endpoint {
  method: string;
  path: string;
  tag: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  // `json`, `form` (multipart with files) or none.
  body: 'json' | 'form' | null;
  example: string;
}

type Json = Record<string, unknown>;

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
// Schemas may refer to themselves; an example stops here.
const DEPTH_MAX = 5;

export function endpoints(document: Json): Endpoint[] {
  const paths = (document.paths ?? {}) as Record<string, Record<string, Json>>;
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => endpoint(document, path, method, item[method] ?? {})),
  );
}

function endpoint(document: Json, path: string, method: string, operation: Json): Endpoint {
  const content = ((operation.requestBody as Json)?.content ?? {}) as Record<string, { schema?: Json }>;
  const json = content['application/json'];
  return {
    method: method.toUpperCase(),
    path,
    tag: (operation.tags as string[])?.[0] ?? 'other',
    summary: String(operation.summary ?? operation.operationId ?? ''),
    description: String(operation.description ?? ''),
    parameters: ((operation.parameters ?? []) as Json[]).map((parameter) => readParameter(document, parameter)),
    body: json ? 'json' : content['multipart/form-data'] ? 'form' : null,
    example: json?.schema ? JSON.stringify(example(document, json.schema, 0), null, 2) : '',
  };
}

function readParameter(document: Json, parameter: Json): Parameter {
  const schema = resolve(document, (parameter.schema ?? {}) as Json);
  const type = schema.type;
  return {
    name: String(parameter.name),
    in: parameter.in as Parameter['in'],
    required: parameter.required === true,
    description: String(parameter.description ?? ''),
    type: Array.isArray(type) ? type.filter((one) => one !== 'null').join(' or ') : String(type ?? 'string'),
  };
}

// Required fields only, so that what is sent is the smallest thing that works; the rest is for the reader to add.
export function example(document: Json, schema: Json, depth: number): unknown {
  const known = resolve(document, schema);
  if (known.example !== undefined) return known.example;
  if (depth > DEPTH_MAX) return null;
  const choice = (known.oneOf ?? known.anyOf ?? known.allOf) as Json[] | undefined;
  const first = choice?.find((one) => one.type !== 'null');
  if (first) return example(document, first, depth + 1);
  if (Array.isArray(known.enum)) return known.enum[0];
  const type = Array.isArray(known.type) ? known.type.find((one) => one !== 'null') : known.type;
  if (type === 'array') return known.items ? [example(document, known.items as Json, depth + 1)] : [];
  if (type === 'integer' || type === 'number') return 0;
  if (type === 'boolean') return false;
  return type === 'object' || known.properties ? exampleObject(document, known, depth) : '';
}

function exampleObject(document: Json, schema: Json, depth: number): Json {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
  const required = (schema.required ?? []) as string[];
  const wanted = properties.filter(([name]) => required.includes(name));
  return Object.fromEntries(wanted.map(([name, inner]) => [name, example(document, inner, depth + 1)]));
}

function resolve(document: Json, schema: Json): Json {
  const reference = schema.$ref;
  if (typeof reference !== 'string') return schema;
  const found = reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Json | undefined)?.[key], document);
  return (found ?? {}) as Json;
}

// The address of a call: path parameters in their places, the others that are set as the query.
export function address(endpoint: Endpoint, values: Record<string, string>): string {
  const path = endpoint.path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
  const pairs = endpoint.parameters
    .filter((parameter) => parameter.in === 'query' && values[parameter.name])
    .map((parameter) => [parameter.name, values[parameter.name] ?? '']);
  return pairs.length > 0 ? `${path}?${new URLSearchParams(pairs)}` : path;
}

export function curl(endpoint: Endpoint, url: string, body: string): string {
  const parts = ['curl'];
  if (/"stream"\s*:\s*true/.test(body) || endpoint.path.endsWith('/events')) parts.push('-N');
  if (endpoint.method !== 'GET') parts.push('-X', endpoint.method);
  parts.push('-H', '"Authorization: Bearer $IBID_KEY"');
  if (endpoint.body === 'json') parts.push('-H', quoted('Content-Type: application/json'), '-d', quoted(compact(body)));
  if (endpoint.body === 'form') parts.push('-F', 'file=@FILE');
  return [...parts, quoted(url)].join(' ');
}

function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
