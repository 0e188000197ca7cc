//! Requests, and who was turned away.

use super::SECONDS;

room! {
    HTTP_REQUESTS: Counter<3> = ("ibid_http_requests_total", &["method", "route", "status"],
        "Requests answered, by method, route and status");
    HTTP_DURATION: Histogram<1> = ("ibid_http_request_duration_seconds", &["route"], SECONDS,
        "Time from a request's head to its answer's head, by route");
    HTTP_RUNNING: Gauge<0> = ("ibid_http_requests_running", &[],
        "Requests in work; server.requests_concurrent_max bounds them");
    QUEUE_RUNNING: Gauge<1> = ("ibid_queue_requests_running", &["queue"],
        "Requests that have a place, by queue (searches, answers); limits.searches_concurrent_max and limits.answers_concurrent_max bound them");
    QUEUE_WAITING: Gauge<1> = ("ibid_queue_requests_waiting", &["queue"],
        "Requests that wait for a place, by queue; limits.waiting_max bounds them");
    QUEUE_WAIT_DURATION: Histogram<1> = ("ibid_queue_wait_duration_seconds", &["queue"], SECONDS,
        "How long requests that got a place waited for it, by queue");
    QUEUE_REFUSALS: Counter<2> = ("ibid_queue_refusals_total", &["queue", "reason"],
        "Requests that got no place, by queue and reason: full (too many wait), slow (it would wait too long), displaced (another has less), late (it waited in vain)");
    HTTP_STREAMS: Gauge<0> = ("ibid_http_streams_open", &[],
        "Streams of events that are open; flow.streams_max bounds them");
    AUTH_REFUSALS: Counter<1> = ("ibid_auth_refusals_total", &["code"],
        "Requests refused for want of a right to make them, by the code of the error");
    AUTH_KEYS: Gauge<0> = ("ibid_auth_keys_active", &[],
        "API keys that are not revoked; see who has one with `ibid keys list`");
    LOG_EVENTS: Counter<1> = ("ibid_log_events_total", &["level"],
        "Lines logged at warn or error, by level");
    SPANS: Counter<1> = ("ibid_telemetry_spans_total", &["outcome"],
        "Spans of traces for the collector, by outcome (sent, dropped)");
}
