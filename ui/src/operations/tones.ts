// Which tone a severity, a priority or a state is told in.
import type { IncidentState, Severity } from '../api/operations';

export type Tone = 'bad' | 'warn' | 'good' | 'soft';

export const ofSeverity: Record<Severity, Tone> = { critical: 'bad', warning: 'warn', info: 'soft' };
export const ofState: Record<IncidentState, Tone> = { open: 'bad', acknowledged: 'warn', resolved: 'good', closed: 'soft' };
export const ofPriority = (priority: number): Tone => (priority <= 1 ? 'bad' : priority === 2 ? 'warn' : 'soft');

export const STATE_WORDS: Record<IncidentState, string> = { open: 'nobody has it', acknowledged: 'taken', resolved: 'over', closed: 'closed' };

export const PRIORITIES = [
  'P0: nothing is answered, or data is damaged',
  'P1: answers are slow, wrong or missing for many',
  'P2: some functions do not work',
  'P3: a nuisance',
];
