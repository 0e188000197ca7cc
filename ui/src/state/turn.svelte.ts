// One question with all that became of it, followed while its run is at work.
// Keeps true: what the server said last is what is shown; a broken connection neither loses words nor repeats them.
import { ApiError, asApiError, problem } from '../api/client';
import * as runs from '../api/runs';
import type { Approval, DoneEvent, StepEvent, TokenEvent } from '../api/runs';
import * as threads from '../api/threads';
import type { Feedback, Taken, TurnRequest, Turn as TurnRecord } from '../api/threads';
import type { ServerEvent } from '../api/sse';
import type { Answer, Citation, Claim, Failure } from '../api/types';
import { randomName } from '../text/words';
import { approvals } from './approvals.svelte';
import { Draft } from './draft.svelte';
import { follow } from './following';
import { StepLog } from './steps.svelte';

export class Turn {
  phase = $state<'running' | 'done' | 'failed' | 'stopped'>('running');
  broken = $state(false);
  stopping = $state(false);
  steps = $state.raw(new StepLog(true));
  draft = new Draft();
  citations = $state.raw<Citation[]>([]);
  claims = $state.raw<Claim[]>([]);
  approvals = $state.raw<Approval[]>([]);
  answer = $state.raw<Answer | null>(null);
  taken = $state.raw<Taken | null>(null);
  feedback = $state.raw<Feedback | null>(null);
  problem = $state.raw<ApiError | null>(null);
  // The server's names, once they are known.
  id = $state<string | null>(null);
  number = $state<number | null>(null);
  run = $state<string | null>(null);
  // Whether the server took the question.
  heard = false;
  // For the page's own lists.
  readonly name = randomName();
  readonly #leaving = new AbortController();
  // The same for every attempt to ask this, so that it is asked once.
  #key = randomName();

  constructor(
    readonly request: TurnRequest,
    readonly asked: string,
  ) {}

  static of(record: TurnRecord): Turn {
    const turn = new Turn({ question: record.question }, record.question);
    turn.steps = new StepLog(false);
    turn.#settle(record);
    return turn;
  }

  get text(): string {
    return this.answer?.text ?? this.draft.text;
  }

  get over(): boolean {
    return this.phase !== 'running';
  }

  // Asks in the thread and follows the run. Never rejects: what goes wrong is `problem`.
  ask(thread: string): Promise<void> {
    this.phase = 'running';
    this.problem = null;
    return this.#follow(thread, (signal) => threads.ask(thread, this.request, this.#key, signal));
  }

  // Follows a run that was begun elsewhere or before, from its beginning.
  watch(thread: string): Promise<void> {
    return this.#follow(thread);
  }

  // Ends the run on the server; the stream then tells that it is over.
  async stop(thread: string) {
    if (this.over || this.stopping) return;
    this.stopping = true;
    try {
      await runs.cancel(await this.#findRun(thread));
    } catch (error) {
      this.problem = asApiError(error);
    } finally {
      this.stopping = false;
    }
  }

  // Stops looking; the run goes on.
  leave() {
    this.#leaving.abort();
  }

  async rate(rating: number, reason: string, correction: string) {
    if (!this.id) return;
    await threads.rate(this.id, { rating, ...(reason ? { reason } : {}), ...(correction ? { correction } : {}) });
    this.feedback = { rating, reason, correction, at: '' };
  }

  // The steps of a turn that was over when the page came to it.
  async recall() {
    if (!this.run || this.steps.list.length > 0) return;
    const log = new StepLog(false);
    const take = (event: ServerEvent) => {
      if (event.name === 'step') log.take(JSON.parse(event.data) as StepEvent);
      return event.name === 'done' || event.name === 'error';
    };
    const run = this.run;
    await follow({ run: async () => run, take, broken: () => undefined, signal: this.#leaving.signal });
    this.steps = log;
  }

  async #follow(thread: string, first?: (signal: AbortSignal) => Promise<Response>) {
    try {
      await follow({
        ...(first ? { first } : {}),
        run: () => this.#findRun(thread),
        take: (event) => this.#take(event),
        broken: (is) => (this.broken = is),
        signal: this.#leaving.signal,
      });
    } catch (error) {
      this.#fail(asApiError(error));
    } finally {
      this.broken = false;
    }
    // An error ends the stream without naming the run, which one may want to look at.
    if (this.phase === 'failed' && this.heard) await this.#findRun(thread).catch(() => undefined);
  }

  // The stream of a question does not name its run before the end; the thread's list of turns does.
  async #findRun(thread: string): Promise<string> {
    if (this.run) return this.run;
    const found = (await threads.turns(thread)).findLast((turn) => turn.question === this.request.question);
    if (!found) throw new Error('the turn is not listed yet');
    this.id = found.id;
    this.run = found.run;
    return found.run;
  }

  #take(event: ServerEvent): boolean {
    const data: unknown = JSON.parse(event.data);
    this.heard = true;
    if (event.name === 'step') this.#takeStep(data as StepEvent);
    if (event.name === 'token') this.draft.take(data as TokenEvent);
    if (event.name === 'citation') this.#cite(data as Citation);
    if (event.name === 'claim') this.claims = [...this.claims, data as Claim];
    if (event.name === 'interrupt') this.#ask(data as Approval);
    if (event.name === 'done') this.#finish(data as DoneEvent);
    if (event.name === 'error') this.#fail(problem(500, JSON.stringify(data)));
    return event.name === 'done' || event.name === 'error';
  }

  #takeStep(event: StepEvent) {
    this.steps.take(event);
    this.approvals = this.approvals.filter((one) => one.node !== event.node || event.state === 'waiting');
    if (event.state !== 'started' && event.state !== 'restarted') return;
    // Another draft is on its way: what the last one pointed to does not belong to it.
    if (this.draft.forget(event.node)) {
      this.citations = [];
      this.claims = [];
    }
  }

  #cite(citation: Citation) {
    this.citations = [...this.citations.filter((one) => one.number !== citation.number), citation].sort((a, b) => a.number - b.number);
  }

  #ask(approval: Approval) {
    this.run = approval.run;
    void approvals.refresh();
    this.approvals = [...this.approvals.filter((one) => one.interrupt !== approval.interrupt), approval];
  }

  #finish({ run, turn }: DoneEvent) {
    this.run = run.id;
    this.approvals = [];
    if (turn) this.#settle(turn);
    else this.#end(run.status, run.failure);
    if (!turn && typeof run.output === 'string') this.draft.take({ node: '', text: run.output, replace: true });
  }

  #settle(record: TurnRecord) {
    this.id = record.id;
    this.number = record.number;
    this.run = record.run;
    this.taken = record.taken ?? null;
    this.feedback = record.feedback ?? null;
    if (record.answer) {
      this.answer = record.answer;
      this.citations = record.answer.citations;
      this.claims = record.answer.claims;
    }
    this.#end(record.status, record.failure);
  }

  #end(status: threads.RunStatus, failure: Failure | undefined) {
    if (status === 'finished') this.phase = 'done';
    if (status === 'cancelled') this.phase = 'stopped';
    if (status === 'failed') this.#fail(new ApiError(0, failure?.code ?? 'run_failed', failure?.reason ?? 'the run failed without a reason'));
  }

  #fail(error: ApiError) {
    this.problem = error;
    this.phase = 'failed';
  }
}
