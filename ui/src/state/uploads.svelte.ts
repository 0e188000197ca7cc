// Files on their way in: sent in requests of bounded size, then followed as jobs until each is readable or failed.
import { asApiError, type ApiError } from '../api/client';
import * as api from '../api/endpoints';
import { readEvents } from '../api/sse';
import type { Failure, Job } from '../api/types';
import { randomName } from '../text/words';
import { server } from './server.svelte';

// One request holds at most so much, so that a dropped connection costs little and progress moves.
const REQUEST_BYTES_MAX = 32_000_000;
const REQUEST_FILES_MAX = 50;
// The server lists a batch's jobs up to a thousand.
const BATCH_FILES_MAX = 500;
// Between two looks at the jobs while their event stream is not to be had.
const POLL_MS = 1_000;

export class Upload {
  phase = $state<'waiting' | 'sending' | 'queued' | 'reading' | 'done' | 'failed'>('waiting');
  // 0 to 1 within the phase.
  progress = $state(0);
  step = $state('');
  note = $state('');
  warnings = $state<string[]>([]);
  document = $state<string | null>(null);
  nearDuplicateOf = $state<string | null>(null);
  failure = $state<Failure | null>(null);
  job: string | null = null;

  constructor(
    readonly file: File,
    readonly source: string,
  ) {}

  get finished(): boolean {
    return this.phase === 'done' || this.phase === 'failed';
  }

  take(job: Job) {
    this.document = job.document ?? this.document;
    this.nearDuplicateOf = job.near_duplicate_of ?? null;
    this.warnings = job.warnings ?? [];
    this.step = job.step ?? '';
    this.progress = job.progress;
    if (job.state === 'queued') this.phase = 'queued';
    if (job.state === 'running') this.phase = 'reading';
    if (job.state === 'done') this.#finish(job.unchanged ? 'unchanged' : chunks(job.chunks));
    if (job.state === 'failed') this.fail(job.failure ?? { code: 'job_failed', reason: 'the job failed without a reason' });
    if (job.state === 'cancelled') this.fail({ code: 'job_cancelled', reason: 'the job was cancelled' });
  }

  fail(failure: Failure) {
    this.failure = failure;
    this.phase = 'failed';
  }

  accept(outcome: string, document: string, job: string | undefined) {
    this.document = document;
    this.job = job ?? null;
    if (outcome === 'unchanged' || !job) this.#finish('already here, unchanged');
    else this.phase = 'queued';
  }

  #finish(note: string) {
    this.note = note;
    this.progress = 1;
    this.phase = 'done';
  }
}

class Uploads {
  items = $state<Upload[]>([]);
  // Who may read what is added from now on: `user:NAME`, `group:NAME`, `key:NAME`; nobody named is everybody.
  readers = $state<string[]>([]);
  // Counts finished batches and files; lists that show documents read it to know when to look again.
  changes = $state(0);

  get unfinished(): number {
    return this.items.filter((item) => !item.finished).length;
  }

  get failed(): number {
    return this.items.filter((item) => item.phase === 'failed').length;
  }

  // One batch after the other, so that a huge folder neither floods the server nor outgrows what it lists at once.
  async add(files: { file: File; source: string }[]) {
    const items = files.map(({ file, source }) => new Upload(file, source));
    const readers = this.readers;
    this.items = [...items, ...this.items];
    for (let from = 0; from < items.length; from += BATCH_FILES_MAX) {
      await this.#addBatch(items.slice(from, from + BATCH_FILES_MAX), readers);
    }
    this.#changed();
  }

  async #addBatch(items: Upload[], readers: string[]) {
    const batch = `page-${randomName()}`;
    let following: Promise<void> | null = null;
    for (const request of requests(items)) {
      const sent = await sendRequest(batch, request, readers);
      if (sent) following ??= this.#follow(batch, items);
    }
    await following;
  }

  clearFinished() {
    this.items = this.items.filter((item) => !item.finished);
  }

  // Until every job is over: listen to the stream; where it breaks, look at the list and listen again.
  async #follow(batch: string, items: Upload[]) {
    const take = (job: Job) => {
      const item = items.find((one) => one.job === job.id);
      const before = item?.finished;
      item?.take(job);
      if (item?.finished && !before) this.#changed();
    };
    while (items.some((item) => !item.finished)) {
      await listen(batch, take).catch(() => undefined);
      const looked = await api.jobs(batch).catch(() => null);
      for (const job of looked?.jobs ?? []) take(job);
      if (items.some((item) => !item.finished)) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #changed() {
    this.changes += 1;
    void server.refresh();
  }
}

async function listen(batch: string, take: (job: Job) => void) {
  const stop = new AbortController();
  const response = await api.jobEvents(batch, stop.signal);
  for await (const event of readEvents(response)) {
    if (event.name === 'job') take(JSON.parse(event.data) as Job);
    if (event.name === 'done' || event.name === 'error') break;
  }
  stop.abort();
}

// True when the server took the files.
async function sendRequest(batch: string, items: Upload[], readers: string[]): Promise<boolean> {
  const form = new FormData();
  if (readers.length > 0) form.append('readers', readers.join(','));
  for (const item of items) {
    form.append('source', item.source);
    form.append('file', item.file, item.file.name);
    item.phase = 'sending';
  }
  try {
    const accepted = await api.upload(batch, form, (bytes) => spread(items, bytes));
    items.forEach((item, index) => {
      const file = accepted.files[index];
      if (file) item.accept(file.outcome, file.document, file.job);
      else item.fail({ code: 'upload_lost', reason: 'the server did not say what became of this file' });
    });
    return true;
  } catch (error) {
    refuse(items, asApiError(error));
    return false;
  }
}

function refuse(items: Upload[], error: ApiError) {
  for (const item of items) item.fail({ code: error.code, reason: error.message });
}

// The bytes that have left, given to the files in the order in which the form holds them.
function spread(items: Upload[], bytes: number) {
  let rest = bytes;
  for (const item of items) {
    item.progress = item.file.size === 0 ? 1 : Math.max(0, Math.min(1, rest / item.file.size));
    rest -= item.file.size;
  }
}

function requests(items: Upload[]): Upload[][] {
  const result: Upload[][] = [];
  let bytes = 0;
  for (const item of items) {
    const last = result.at(-1);
    if (last && last.length < REQUEST_FILES_MAX && bytes + item.file.size <= REQUEST_BYTES_MAX) last.push(item);
    else {
      result.push([item]);
      bytes = 0;
    }
    bytes += item.file.size;
  }
  return result;
}

function chunks(count: number | undefined): string {
  return count === undefined ? 'read' : `${count} ${count === 1 ? 'chunk' : 'chunks'}`;
}

export const uploads = new Uploads();
