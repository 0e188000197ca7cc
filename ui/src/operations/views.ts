// The charts of the page, view by view, and how their lines are asked for. The views are those of the dashboards that
// `ibid ops dashboards` writes.
import { series, type Line, type Point } from '../api/operations';

export type Unit = 'number' | 'second' | 'byte' | 'dollar' | 'share';

// One line of a chart, or one for each value of `by`.
export interface Asked {
  name: string;
  how?: string;
  by?: string;
  label?: string;
  where?: Record<string, string>;
  // What the line is a share of: the same metric with other labels.
  of?: Record<string, string>;
}

export interface Chart {
  title: string;
  unit: Unit;
  asked: Asked[];
}

export interface View {
  name: string;
  title: string;
  charts: Chart[];
}

// More lines than that are a tangle; those with the most are shown.
const LINES_MAX = 6;

const one = (title: string, unit: Unit, ...asked: Asked[]): Chart => ({ title, unit, asked });
const grown = (name: string, by?: string, where?: Record<string, string>): Asked => ({ name, how: 'increase', by, where });
const level = (name: string, label: string, by?: string): Asked => ({ name, how: 'max', by, label });
const times = (name: string, by?: string): Asked[] =>
  by ? [{ name, how: 'p95', by }] : [{ name, how: 'p50', label: 'p50' }, { name, how: 'p95', label: 'p95' }];
const share = (name: string, where: Record<string, string>, of: Record<string, string>, label: string): Asked => ({ name, how: 'increase', where, of, label });

export const VIEWS: View[] = [
  {
    name: 'overview',
    title: 'Overview',
    charts: [
      one('Questions', 'number', grown('ibid_chat_answers_total', 'outcome')),
      one('Time to the answer', 'second', ...times('ibid_chat_answer_duration_seconds')),
      one('Requests', 'number', grown('ibid_http_requests_total', 'route')),
      one(
        'Failures',
        'number',
        { ...grown('ibid_http_requests_total', undefined, { status: '5*' }), label: 'requests' },
        { ...grown('ibid_log_events_total', undefined, { level: 'error' }), label: 'errors logged' },
      ),
      one(
        'Work that waits',
        'number',
        level('ibid_index_lag_entries', 'index entries'),
        { ...level('ibid_store_jobs', 'jobs'), where: { state: 'queued' } },
        level('ibid_flow_effects_waiting', 'steps of flows'),
      ),
      one('Memory', 'byte', level('ibid_process_memory_bytes', 'resident')),
      one('Processor', 'number', { name: 'ibid_process_cpu_seconds_total', how: 'rate', label: 'cores in use' }),
      one('Disk', 'byte', { name: 'ibid_disk_free_bytes', label: 'free' }),
      one('Backup behind', 'second', level('ibid_backup_age_seconds', 'behind', 'destination')),
    ],
  },
  {
    name: 'performance',
    title: 'Performance',
    charts: [
      one('Time of requests, p95', 'second', ...times('ibid_http_request_duration_seconds', 'route')),
      one('In work', 'number', level('ibid_http_requests_running', 'requests'), level('ibid_http_streams_open', 'streams')),
      one('Time of searches', 'second', ...times('ibid_retrieve_search_duration_seconds')),
      one('Steps of searches, p95', 'second', ...times('ibid_retrieve_step_duration_seconds', 'step')),
      one('Calls of models', 'number', grown('ibid_model_requests_total', 'provider')),
      one('Time of models, p95', 'second', ...times('ibid_model_request_duration_seconds', 'provider')),
      one('First token, p95', 'second', ...times('ibid_model_first_token_duration_seconds', 'provider')),
      one('Time of steps of flows, p95', 'second', ...times('ibid_flow_effect_duration_seconds', 'node')),
      one('Time of commits', 'second', ...times('ibid_store_batch_duration_seconds')),
      one('Time of queries', 'second', ...times('ibid_store_query_duration_seconds')),
      one('Threads and open files', 'number', level('ibid_process_threads_running', 'threads'), level('ibid_process_files_open', 'files')),
    ],
  },
  {
    name: 'quality',
    title: 'Quality',
    charts: [
      one('Claims with support', 'share', share('ibid_chat_claims_total', { verdict: 'supported' }, { verdict: 'supported|unsupported' }, 'supported')),
      one('Claims', 'number', grown('ibid_chat_claims_total', 'verdict')),
      one(
        'Confidence of answers',
        'share',
        { name: 'ibid_chat_answer_confidence_ratio', how: 'p10', label: 'p10' },
        { name: 'ibid_chat_answer_confidence_ratio', how: 'p50', label: 'p50' },
      ),
      one('Abstentions', 'share', share('ibid_chat_answers_total', { outcome: 'abstained' }, { outcome: 'answered|abstained' }, 'abstained')),
      one('Failed answers', 'share', share('ibid_chat_answers_total', { outcome: 'failed' }, {}, 'failed')),
      one('Feedback', 'number', grown('ibid_chat_feedback_total', 'rating')),
      one('Right on a second look', 'share', { name: 'ibid_quality_accuracy_ratio', label: 'right' }),
      one('Second looks', 'number', grown('ibid_quality_checks_total', 'outcome')),
    ],
  },
  {
    name: 'security',
    title: 'Security',
    charts: [
      one('Requests refused', 'number', grown('ibid_auth_refusals_total', 'code')),
      one('Answers 401, 403 and 429', 'number', grown('ibid_http_requests_total', 'status', { status: '401|403|429' })),
      one('Answers 4xx by route', 'number', grown('ibid_http_requests_total', 'route', { status: '4*' })),
      one('Keys', 'number', level('ibid_auth_keys_active', 'active')),
      one('Deletions', 'number', grown('ibid_http_requests_total', 'route', { method: 'DELETE' })),
      one('Warnings and errors logged', 'number', grown('ibid_log_events_total', 'level')),
    ],
  },
  {
    name: 'business',
    title: 'Business',
    charts: [
      one('Questions by mode', 'number', grown('ibid_chat_answers_total', 'mode')),
      one('Searches', 'number', grown('ibid_retrieve_searches_total', 'outcome')),
      one('Library', 'number', level('ibid_store_documents', 'documents'), level('ibid_store_chunks', 'chunks')),
      one('Documents ingested', 'number', grown('ibid_ingest_documents_total', 'outcome')),
      one('Tokens', 'number', grown('ibid_model_tokens_total', 'direction')),
      one('Money', 'dollar', grown('ibid_model_cost_usd_total', 'provider')),
      one('Runs of flows', 'number', grown('ibid_flow_runs_total', 'state')),
      one('Alerts firing', 'number', level('ibid_alert_rules_firing', 'firing', 'severity')),
    ],
  },
];

export interface Drawn {
  lines: Line[];
  // Lines that are not shown.
  more: number;
}

// The lines of a chart over the seconds up to `to`.
export async function linesOf(chart: Chart, to: number, seconds: number, step: number): Promise<Drawn> {
  const range = { from: to - seconds, to, step };
  const lines = (await Promise.all(chart.asked.map((asked) => linesFor(asked, range)))).flat();
  if (lines.length <= LINES_MAX) return { lines, more: 0 };
  const sorted = [...lines].sort((a, b) => weight(b) - weight(a));
  return { lines: sorted.slice(0, LINES_MAX), more: lines.length - LINES_MAX };
}

async function linesFor(asked: Asked, range: Record<string, number>): Promise<Line[]> {
  const { name, how, by, where, of } = asked;
  const [part, whole] = await Promise.all([series({ name, how, by, ...where, ...range }), of ? series({ name, how, ...of, ...range }) : null]);
  const named = (line: Line) => line.label || asked.label || name;
  return part.lines.map((line) => ({
    label: named(line),
    points: whole ? divided(line.points, whole.lines[0]?.points ?? []) : line.points,
  }));
}

// A share of nothing is no share.
function divided(parts: Point[], wholes: Point[]): Point[] {
  return parts.map(({ at, value }, index) => {
    const whole = wholes[index]?.value ?? 0;
    return { at, value: whole > 0 ? (value ?? 0) / whole : null };
  });
}

const weight = (line: Line) => line.points.reduce((sum, point) => sum + (point.value ?? 0), 0);
