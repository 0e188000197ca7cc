//! Providers of models: the program's own and remote ones.

use super::SECONDS;

room! {
    MODEL_REQUESTS: Counter<3> = ("ibid_model_requests_total", &["provider", "kind", "outcome"],
        "Calls of models, by provider (the model's name in the configuration), kind (chat, embedding) and outcome (done, cancelled where another was quicker, or the code of the error)");
    MODEL_DURATION: Histogram<2> = ("ibid_model_request_duration_seconds", &["provider", "kind"], SECONDS,
        "Time of a call of a model, by provider and kind (chat, embedding)");
    MODEL_FIRST_TOKEN: Histogram<1> = ("ibid_model_first_token_duration_seconds", &["provider"], SECONDS,
        "Time until a chat model's first token, by provider");
    MODEL_TOKENS: Counter<2> = ("ibid_model_tokens_total", &["provider", "direction"],
        "Tokens that models read and wrote, by provider and direction (prompt, completion)");
    MODEL_BREAKER: Gauge<1> = ("ibid_model_breaker_state", &["provider"],
        "Whether calls of a chat model go through (0), are tried again after a pause (1) or are refused (2), by provider");
    MODEL_CALLS: Counter<3> = ("ibid_model_calls_total", &["route", "model", "outcome"],
        "Calls of routes of chat models, by route, the model that answered (none where none did) and outcome (done, or the code of the error)");
    MODEL_RETRIES: Counter<1> = ("ibid_model_retries_total", &["provider"],
        "Requests to providers that were sent again, by provider");
    MODEL_QUOTA: Gauge<2> = ("ibid_model_quota_remaining", &["provider", "limit"],
        "What is left of a model's quota, by provider and limit (requests per minute, tokens by the provider's word, ...)");
    MODEL_COST: Counter<1> = ("ibid_model_cost_usd_total", &["provider"],
        "What chat models cost in US dollars by the configured prices, by provider");
    BUDGET_USED: Gauge<1> = ("ibid_budget_used_ratio", &["budget"],
        "Share of a budget for chat models that is spent in this month or day, by budget");
    BUDGET_STATE: Gauge<1> = ("ibid_budget_state", &["budget"],
        "Whether a budget for chat models is within its bounds (0), at its share of warning (1) or used up (2), by budget");
    MODEL_TEXTS: Counter<1> = ("ibid_model_texts_total", &["provider"],
        "Texts embedded, by provider");
    MODEL_RUNNING: Gauge<2> = ("ibid_model_requests_running", &["provider", "kind"],
        "Calls of models in work, by provider and kind (chat, embedding)");
}
