// Addresses that the scripted server does not answer, and the providers of its models.
import { json, problem } from './wire.js';

const MINUTE = 60_000;
const iso = (ms) => new Date(ms).toISOString();

export class LimitRoutes {
  blocks = [
    block('198.51.100.23', { made_by: 'server', reason: 'too many requests were refused', until: iso(Date.now() + 50 * MINUTE) }),
    block('203.0.113.0/24', { reason: 'it reads everything, over and over' }),
  ];

  route({ method, query, body }, response) {
    if (method === 'GET') return json(response, this.blocks);
    if (method === 'DELETE') {
      this.blocks = this.blocks.filter((one) => one.network !== query.network);
      return response.writeHead(204).end();
    }
    const { network, minutes, reason } = JSON.parse(body);
    if (!/^[0-9a-f.:/]+$/.test(network)) return problem(response, 400, 'bad_request', 'network_malformed', `'${network}' is no network; write 192.0.2.7, 10.0.0.0/8 or fd00::/8`);
    const made = block(network, { reason: reason || 'an administrator blocked it', ...(minutes ? { until: iso(Date.now() + minutes * MINUTE) } : {}) });
    this.blocks.unshift(made);
    return json(response, made);
  }
}

function block(network, more) {
  return { network, reason: '', made_by: 'user ada', created_at: iso(Date.now() - 10 * MINUTE), ...more };
}

export class ProviderRoutes {
  providers = [
    provider('large', { breaker: 'closed', running: 2, calls: 41, failures: 1, first_token_ms_p50: 420.5, first_token_ms_p95: 1810.2, retries: 3, usd_per_million_prompt_tokens: 0.5, usd_per_million_completion_tokens: 1.5, quota: [quota('requests per minute', 46, 60), quota('tokens per day', 12_000, 2_000_000)] }),
    provider('spare', { breaker: 'open', calls: 6, failures: 6, quota: [quota("requests by the provider's word", 0, null)] }),
    provider('here', { provider: 'local', address: '', breaker: 'half open' }),
    provider('all-MiniLM-L6-v2', { kind: 'embedding', provider: 'local', address: '', breaker: null }),
  ];
  routes = [{ name: 'standard', models: ['large', 'spare', 'here'] }];

  route({ method, path }, response) {
    if (method === 'GET') return json(response, { providers: this.providers, routes: this.routes });
    const name = decodeURIComponent(path.split('/')[3]);
    const well = { name, is_well: true, model: `${name}-2`, took_ms: 640.2, first_token_ms: 410, said: 'ready', code: null, reason: null };
    const ill = { ...well, is_well: false, said: '', code: 'provider_refused', reason: 'the provider does not take the key' };
    return json(response, name === 'spare' ? ill : well);
  }
}

function provider(name, more) {
  return {
    name, kind: 'chat', provider: 'openai', address: 'https://models.example.org/v1', model: `${name}-2`, breaker: null, running: 0, calls: 0, failures: 0,
    first_token_ms_p50: null, first_token_ms_p95: null, retries: 0, quota: [], usd_per_million_prompt_tokens: 0, usd_per_million_completion_tokens: 0, ...more,
  };
}

function quota(of, left, limit) {
  return { of, left, limit, resets_at: iso(Date.now() + MINUTE) };
}
