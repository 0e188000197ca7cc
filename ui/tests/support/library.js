// The documents that the scripted server holds, and citations of them whose offsets are real.

const HANDBOOK_OPENING = `Employee handbook

This handbook tells what holds for everyone at Nordlicht GmbH. It is kept by the people team, and a change is announced two weeks before it holds.

`;

const HANDBOOK_PARAGRAPHS = [
  'Working hours are agreed in the contract. Who works more than six hours takes a break of thirty minutes, and who works more than nine hours one of forty-five minutes.',
  'Illness is reported on the first day before ten in the morning. A doctor’s note is needed from the third day on, and it is sent to the people team, not to the team lead.',
  'Equipment stays the property of the company. Who leaves returns it on the last working day, with its power supply and without personal data on it.',
  'Learning is part of the work. Each person has five days and 1,500 € a year for courses, books and conferences, and what is not used by December is lost.',
  'Data of customers is seen only by those who need it for their task. It never leaves our own systems, and a screenshot of it is a copy of it.',
];

const HANDBOOK_LEAVE = `Leave › Annual leave

Everyone has 30 days of annual leave in a calendar year, whatever their hours. Leave that is not taken by 31 March of the following year expires. Part-time staff receive the same number of weeks, counted in their own working days.

Leave is requested in the calendar at least two weeks ahead. The team lead answers within three working days; no answer counts as a yes.

`;

const TRAVEL_TEXT = `# Reisekostenrichtlinie

## Bahn und Flug

Dienstreisen mit der Bahn werden in der zweiten Klasse gebucht; ab drei Stunden Fahrzeit darf die erste Klasse gewählt werden. Flüge unter 700 km sind nicht erstattungsfähig.

## Übernachtung

Für Übernachtungen gilt eine Grenze von 120 € pro Nacht. Höhere Preise müssen vorab genehmigt werden – auch während Messen.
`;

const RUNBOOK_TEXT = `# Backup runbook

## Restore

1. Stop the writers with \`systemctl stop ingest\`.
2. Restore the newest base, then the segments after it.
3. Start the service and read the health page; it must say ready within one minute.

A restore of 40 GB took 11 minutes in the drill of May.
`;

function handbookText() {
  const filler = (from) =>
    Array.from({ length: 60 }, (_, index) => `§ ${from + index}  ${HANDBOOK_PARAGRAPHS[index % HANDBOOK_PARAGRAPHS.length]}\n\n`).join('');
  return HANDBOOK_OPENING + filler(1) + HANDBOOK_LEAVE + filler(61);
}

export const LEAVE_QUOTE = 'Everyone has 30 days of annual leave in a calendar year, whatever their hours.';
export const EXPIRY_QUOTE = 'Leave that is not taken by 31 March of the following year expires.';
export const NIGHT_QUOTE = 'Für Übernachtungen gilt eine Grenze von 120 € pro Nacht.';

export function library() {
  return [
    entry('handbook', 'Employee handbook', 'handbook/employee-handbook.pdf', handbookText(), {
      author: 'People team',
      tags: ['policy', 'people'],
      pages: 24,
      media: 'application/pdf',
    }),
    entry('travel', 'Reisekostenrichtlinie', 'handbook/reisekosten.md', TRAVEL_TEXT, { language: 'de', tags: ['policy'] }),
    entry('runbook', 'Backup runbook', 'operations/backup-runbook.md', RUNBOOK_TEXT, {
      tags: ['operations'],
      warnings: ['one table had no header row; its first row was taken for one'],
      nearDuplicateOf: 'doc-travel',
    }),
    entry('contract', 'contract-2024.pdf', 'legal/contract-2024.pdf', '', {
      media: 'application/pdf',
      failure: { code: 'document_encrypted', reason: 'the PDF is protected by a password; remove it and add the file again' },
    }),
  ];
}

export function entry(name, title, source, text, more = {}) {
  const failed = more.failure !== undefined;
  const time = '2026-11-18T09:20:00Z';
  const version = {
    id: `ver-${name}`,
    number: 1,
    status: failed ? 'failed' : 'ready',
    content_hash: '9f2c1b7e5d3a48066c1de5f0a7b49c2e8d61f3b05a9c47e2d8f1603b7c5a9e14',
    size_bytes: failed ? 88_213 : Buffer.byteLength(text),
    media_type: more.media ?? 'text/markdown',
    chunk_count: failed ? 0 : Math.max(1, Math.ceil(text.length / 900)),
    text_bytes: Buffer.byteLength(text),
    created_at: time,
    ...(more.pages ? { page_count: more.pages } : {}),
    ...(more.warnings ? { warnings: more.warnings } : {}),
    ...(failed ? { failure: more.failure } : {}),
    ...(more.nearDuplicateOf ? { near_duplicate_of: more.nearDuplicateOf } : {}),
  };
  const document = {
    id: `doc-${name}`,
    workspace: 'default',
    source,
    status: version.status,
    title,
    language: more.language ?? 'en',
    tags: more.tags ?? [],
    date: more.date ?? '2026-05-04T00:00:00Z',
    created_at: time,
    updated_at: time,
    version,
    ...(more.author ? { author: more.author } : {}),
  };
  return { document, text };
}

// A citation of the first place where the quote stands in the entry's text.
export function cite(number, entry, quote, place = {}) {
  const at = entry.text.indexOf(quote);
  if (at < 0) throw new Error(`the quote does not stand in ${entry.document.title}`);
  const start_byte = Buffer.byteLength(entry.text.slice(0, at));
  return {
    number,
    document: entry.document.id,
    version: entry.document.version.id,
    chunk: `chunk-${number}`,
    title: entry.document.title,
    source: entry.document.source,
    heading_path: place.heading ?? [],
    ...(place.page ? { page: place.page } : {}),
    quote,
    start_byte,
    end_byte: start_byte + Buffer.byteLength(quote),
    start_char: at,
    end_char: at + quote.length,
  };
}

// An answer as the server sends it, with what is left out filled in.
export function answer(parts) {
  const citations = parts.citations ?? [];
  const claims = parts.claims ?? [];
  const checkable = claims.filter((claim) => claim.verdict !== 'not_checkable');
  const supported = checkable.filter((claim) => claim.verdict === 'supported').length;
  return {
    text: '',
    mode: 'extractive',
    claims,
    citations,
    ...(checkable.length > 0 ? { coverage: supported / checkable.length } : {}),
    confidence: 0.83,
    usage: { prompt_tokens: 0, completion_tokens: 0 },
    took_ms: 412.5,
    ...parts,
  };
}

export function claim(text, verdict, citations = []) {
  return { text, verdict, citations, support: verdict === 'supported' ? 0.92 : 0.11 };
}
