// Metrics over time: the wire types of crates/api and the charts that the page shows.
import { getJson, query } from './client';

export interface Point {
  // Seconds since 1970, the end of the step.
  at: number;
  value: number | null;
}

export interface Line {
  label: string;
  points: Point[];
}

export interface Series {
  name: string;
  how: string;
  step: number;
  lines: Line[];
}

export type Unit = 'number' | 'second' | 'byte' | 'dollar';

// One line of a chart, or one for each value of `by`.
export interface Asked {
  name: string;
  how?: string;
  by?: string;
  label?: string;
  where?: Record<string, string>;
}

export interface Chart {
  title: string;
  unit: Unit;
  asked: Asked[];
}

export const CHARTS: Chart[] = [
  { title: 'Questions', unit: 'number', asked: [{ name: 'ibid_chat_answers_total', how: 'increase', by: 'outcome' }] },
  {
    title: 'Time to the answer',
    unit: 'second',
    asked: [
      { name: 'ibid_chat_answer_duration_seconds', how: 'p50', label: 'p50' },
      { name: 'ibid_chat_answer_duration_seconds', how: 'p95', label: 'p95' },
    ],
  },
  {
    title: 'Time of searches',
    unit: 'second',
    asked: [
      { name: 'ibid_retrieve_search_duration_seconds', how: 'p50', label: 'p50' },
      { name: 'ibid_retrieve_search_duration_seconds', how: 'p95', label: 'p95' },
    ],
  },
  {
    title: 'Failures',
    unit: 'number',
    asked: [
      { name: 'ibid_http_requests_total', how: 'increase', where: { status: '5*' }, label: 'requests' },
      { name: 'ibid_log_events_total', how: 'increase', where: { level: 'error' }, label: 'errors logged' },
    ],
  },
  { title: 'Feedback', unit: 'number', asked: [{ name: 'ibid_chat_feedback_total', how: 'increase', by: 'rating' }] },
  { title: 'Claims', unit: 'number', asked: [{ name: 'ibid_chat_claims_total', how: 'increase', by: 'verdict' }] },
  {
    title: 'Work that waits',
    unit: 'number',
    asked: [
      { name: 'ibid_index_lag_entries', how: 'max', label: 'index entries' },
      { name: 'ibid_store_jobs', how: 'max', where: { state: 'queued' }, label: 'jobs' },
      { name: 'ibid_flow_effects_waiting', how: 'max', label: 'steps of flows' },
    ],
  },
  { title: 'Documents ingested', unit: 'number', asked: [{ name: 'ibid_ingest_documents_total', how: 'increase', by: 'outcome' }] },
  { title: 'Memory', unit: 'byte', asked: [{ name: 'ibid_process_memory_bytes', how: 'max', label: 'resident' }] },
  { title: 'Processor', unit: 'number', asked: [{ name: 'ibid_process_cpu_seconds_total', how: 'rate', label: 'cores in use' }] },
  { title: 'Disk free', unit: 'byte', asked: [{ name: 'ibid_disk_free_bytes', label: 'free' }] },
  { title: 'Tokens', unit: 'number', asked: [{ name: 'ibid_model_tokens_total', how: 'increase', by: 'direction' }] },
  { title: 'Money', unit: 'dollar', asked: [{ name: 'ibid_model_cost_usd_total', how: 'increase', by: 'provider' }] },
];

// The lines of a chart over the seconds up to `to`.
export async function linesOf(chart: Chart, to: number, seconds: number, step: number): Promise<Line[]> {
  const answers = await Promise.all(
    chart.asked.map(async (asked) => {
      const { name, how, by, where } = asked;
      const range = { from: to - seconds, to, step };
      const series = await getJson<Series>(`/v1/ops/series${query({ name, how, by, ...where, ...range })}`);
      return series.lines.map((line) => ({ ...line, label: line.label || asked.label || name }));
    }),
  );
  return answers.flat();
}
