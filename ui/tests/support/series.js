// Metrics over time as a server that has run for some hours would tell them.

const LABELS = { route: ['/v1/ask', '/v1/search', '/v1/status', '/v1/documents', '/v1/jobs', '/v1/runs', '/v1/threads', 'page'],  outcome: ['answered', 'abstained', 'failed'], rating: ['up', 'down'], verdict: ['supported', 'unsupported'], direction: ['prompt', 'completion'], provider: ['small'] };
const SIZES = { ibid_process_memory_bytes: 4.2e8, ibid_disk_free_bytes: 8.1e10, ibid_model_tokens_total: 5200, ibid_chat_answer_duration_seconds: 0.9, ibid_retrieve_search_duration_seconds: 0.012, ibid_model_cost_usd_total: 0.02 };

// The answer of `/v1/ops/series`: waves of the size that the metric has; the first third is before the server's start.
export function series(query) {
  const [from, to, step] = [query.from, query.to, query.step].map(Number);
  const { name, how, by } = query;
  const count = Math.floor((to - from) / step);
  const size = (SIZES[name] ?? (name.endsWith('_ratio') ? 0.9 : name.endsWith('_seconds') ? 0.05 : 12)) * (how === 'p50' ? 0.4 : 1);
  const line = (label, index) => ({
    label,
    points: Array.from({ length: count }, (_, at) => {
      const value = size * (0.6 + 0.4 * Math.sin(at / 7 + index)) * 0.4 ** index;
      return { at: from + (at + 1) * step, value: at < count / 3 ? null : value };
    }),
  });
  return { name, how: how ?? 'average', step, lines: (by ? (LABELS[by] ?? ['one', 'two']) : ['']).map(line) };
}
