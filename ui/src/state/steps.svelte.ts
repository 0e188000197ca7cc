// The steps of a run as its events tell them.
import type { StepEvent } from '../api/runs';

export interface Step {
  node: string;
  kind: string;
  state: 'started' | 'finished' | 'failed' | 'waiting';
  detail: string;
  attempt: number;
  startedMs: number;
  // None for steps that were told afterwards: nobody here saw how long they took.
  tookMs: number | null;
}

export class StepLog {
  list = $state<Step[]>([]);

  constructor(readonly timed: boolean) {}

  take(event: StepEvent) {
    const open = this.list.findLast((step) => step.node === event.node && isOpen(step));
    const state = event.state === 'restarted' ? 'started' : event.state;
    // Nodes that only reckon are told when they are through, and never as begun: nothing to show to people.
    if (!open && event.attempt === 0 && state === 'finished') return;
    if (!open || (event.state === 'started' && open.state !== 'waiting')) {
      this.list.push({ ...event, state, startedMs: performance.now(), tookMs: null });
      return;
    }
    open.state = state;
    open.attempt = Math.max(open.attempt, event.attempt);
    open.detail = event.detail || open.detail;
    if (this.timed && !isOpen(open)) open.tookMs = performance.now() - open.startedMs;
  }
}

function isOpen(step: Step): boolean {
  return step.state === 'started' || step.state === 'waiting';
}
