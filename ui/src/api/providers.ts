// Where models are, how they fare, and what is left of their quotas.
import { changeJson, getJson } from './client';

export interface QuotaLeft {
  // `requests per minute`, `tokens per day`, ...
  of: string;
  left: number;
  limit: number | null;
  resets_at: string;
}

export interface Provider {
  name: string;
  kind: 'chat' | 'embedding';
  provider: string;
  // Empty for a local model.
  address: string;
  model: string;
  // None for a model without a breaker.
  breaker: 'closed' | 'half open' | 'open' | null;
  running: number;
  // Within the last five minutes.
  calls: number;
  failures: number;
  first_token_ms_p50: number | null;
  first_token_ms_p95: number | null;
  // Since the server started.
  retries: number;
  quota: QuotaLeft[];
  usd_per_million_prompt_tokens: number;
  usd_per_million_completion_tokens: number;
}

// Models in the order in which they are asked.
export interface ProviderRoute {
  name: string;
  models: string[];
}

export interface Providers {
  providers: Provider[];
  routes: ProviderRoute[];
}

// What came of one tiny request.
export interface ProviderTest {
  is_well: boolean;
  model: string | null;
  took_ms: number;
  said: string;
  code: string | null;
  reason: string | null;
}

export const providers = () => getJson<Providers>('/v1/providers');
export const tryProvider = (name: string) => changeJson<ProviderTest>('POST', `/v1/providers/${encodeURIComponent(name)}/test`, {});
