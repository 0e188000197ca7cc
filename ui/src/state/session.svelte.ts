// This session's questions and their answers, in memory only; the newest is asked last.
import { ApiError, asApiError } from '../api/client';
import * as api from '../api/endpoints';
import { readEvents } from '../api/sse';
import type { Answer, AskRequest, Citation, StepEvent } from '../api/types';
import { problem } from '../api/client';

export interface Step {
  name: string;
  state: StepEvent['state'];
  detail: string;
  startedMs: number;
  tookMs: number | null;
}

export type Asked = Omit<AskRequest, 'stream' | 'workspace'>;

export class Turn {
  phase = $state<'running' | 'done' | 'failed' | 'stopped'>('running');
  steps = $state<Step[]>([]);
  text = $state('');
  citations = $state<Citation[]>([]);
  answer = $state.raw<Answer | null>(null);
  problem = $state.raw<ApiError | null>(null);
  readonly #stop = new AbortController();

  constructor(
    readonly id: number,
    readonly asked: Asked,
  ) {}

  async run() {
    try {
      const response = await api.ask(this.asked, this.#stop.signal);
      for await (const event of readEvents(response)) this.#take(event.name, JSON.parse(event.data));
      if (this.phase === 'running') this.#fail(cut());
    } catch (error) {
      // A stop ends the stream with an error of its own.
      if (this.phase === 'running') this.#fail(error instanceof TypeError ? cut() : asApiError(error));
    }
  }

  stop() {
    if (this.phase !== 'running') return;
    this.phase = 'stopped';
    this.#stop.abort();
  }

  #take(name: string, data: unknown) {
    if (this.phase !== 'running') return;
    if (name === 'step') this.#takeStep(data as StepEvent);
    if (name === 'token') this.text += (data as { text: string }).text;
    if (name === 'citation') this.citations.push(data as Citation);
    if (name === 'done') this.#finish(data as Answer);
    if (name === 'error') this.#fail(problem(500, JSON.stringify(data)));
  }

  #takeStep(event: StepEvent) {
    const open = this.steps.findLast((step) => step.name === event.name && step.state === 'started');
    if (event.name === 'answer' && event.state === 'started') this.#forgetDraft();
    if (event.state === 'started' || !open) {
      const ended = event.state === 'started' ? null : 0;
      this.steps.push({ ...event, startedMs: performance.now(), tookMs: ended });
      return;
    }
    open.state = event.state;
    open.detail = event.detail || open.detail;
    open.tookMs = performance.now() - open.startedMs;
  }

  // A model that failed midway leaves words behind; what follows is another answer.
  #forgetDraft() {
    this.text = '';
    this.citations = [];
  }

  #finish(answer: Answer) {
    this.answer = answer;
    this.text = answer.text;
    this.citations = answer.citations;
    this.phase = 'done';
  }

  #fail(error: ApiError) {
    this.problem = error;
    this.phase = 'failed';
  }
}

class Session {
  turns = $state<Turn[]>([]);
  current = $state<Turn | null>(null);

  ask(asked: Asked): Turn {
    this.current?.stop();
    const turn = new Turn(this.turns.length + 1, asked);
    this.turns.push(turn);
    this.current = turn;
    void turn.run();
    return turn;
  }
}

function cut(): ApiError {
  return new ApiError(0, 'stream_cut', 'The connection was lost before the answer was complete.');
}

export const session = new Session();
