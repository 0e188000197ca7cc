//! The policy: what each endpoint needs, in one table. An endpoint without a row is refused to everybody, and fails a test.

use axum::http::Method;
use ibid_types::access::{Permission, Rights};

use Need::{Attempt, Everywhere, In, Open, SignedIn, Somewhere};
use Permission::{Administer, Audit, Build, Converse, Edit, Enter, Operate, Own, Read, See};

/// What a caller must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Open,
    /// Nothing, at the pace of strangers: it is how somebody comes in, and so is guessed at.
    Attempt,
    /// To be somebody.
    SignedIn,
    /// A permission in the workspace that the request is about: `Caller::workspace` checks it.
    In(Permission),
    /// A permission in any workspace; what is shown is of those only.
    Somewhere(Permission),
    /// A permission over the server.
    Everywhere(Permission),
}

impl Need {
    /// Whether these rights may be enough. Of `In`, the workspace is still to be looked at.
    pub fn may_be_met(self, rights: &Rights) -> bool {
        match self {
            Open | Attempt | SignedIn => true,
            In(permission) | Somewhere(permission) => rights.may_somewhere(permission),
            Everywhere(permission) => rights.may_everywhere(permission),
        }
    }

    /// The permission that is looked for.
    pub const fn permission(self) -> Option<Permission> {
        match self {
            Open | Attempt | SignedIn => None,
            In(permission) | Somewhere(permission) | Everywhere(permission) => Some(permission),
        }
    }
}

/// The row of an endpoint; a `HEAD` is its `GET`.
pub fn need(method: &Method, route: &str) -> Option<Need> {
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let row = MATRIX.iter().find(|(row_method, row_route, _)| *row_method == method && *row_route == route);
    row.map(|(_, _, need)| *need)
}

/// Method, route, need.
pub const MATRIX: &[(&str, &str, Need)] = &[
    ("GET", "/health/live", Open),
    ("GET", "/health/ready", Open),
    ("GET", "/status", Open),
    ("GET", "/openapi.json", SignedIn),
    ("GET", "/metrics", Everywhere(See)),
    // Who somebody is.
    ("GET", "/v1/auth/door", Open),
    ("POST", "/v1/auth/sign-in", Attempt),
    ("POST", "/v1/auth/link", Attempt),
    ("POST", "/v1/auth/passkey-sign-in/begin", Attempt),
    ("POST", "/v1/auth/passkey-sign-in", Attempt),
    ("GET", "/v1/auth/oidc", Attempt),
    ("GET", "/v1/auth/oidc/callback", Attempt),
    ("POST", "/v1/auth/oidc/code", Attempt),
    ("GET", "/.well-known/jwks.json", Open),
    ("POST", "/v1/auth/sign-out", SignedIn),
    ("GET", "/v1/auth/me", SignedIn),
    ("POST", "/v1/auth/password", SignedIn),
    ("GET", "/v1/auth/factors", SignedIn),
    ("POST", "/v1/auth/app", SignedIn),
    ("PUT", "/v1/auth/app", SignedIn),
    ("POST", "/v1/auth/app/remove", SignedIn),
    ("POST", "/v1/auth/recovery-codes", SignedIn),
    ("POST", "/v1/auth/passkeys/begin", SignedIn),
    ("POST", "/v1/auth/passkeys", SignedIn),
    ("POST", "/v1/auth/passkeys/{id}/remove", SignedIn),
    ("POST", "/v1/auth/tokens", SignedIn),
    ("GET", "/v1/auth/signing-keys", Everywhere(Administer)),
    ("POST", "/v1/auth/signing-keys", Everywhere(Own)),
    ("GET", "/v1/auth/sessions", SignedIn),
    ("DELETE", "/v1/auth/sessions", SignedIn),
    ("DELETE", "/v1/auth/sessions/{id}", SignedIn),
    ("POST", "/v1/auth/links", Everywhere(Administer)),
    ("DELETE", "/v1/auth/sessions/all", Everywhere(Own)),
    ("GET", "/v1/users", Everywhere(Administer)),
    ("POST", "/v1/users", Everywhere(Administer)),
    ("PATCH", "/v1/users/{id}", Everywhere(Administer)),
    ("DELETE", "/v1/users/{id}", Everywhere(Administer)),
    ("DELETE", "/v1/users/{id}/factors", Everywhere(Administer)),
    ("GET", "/v1/groups", Everywhere(Administer)),
    ("POST", "/v1/groups", Everywhere(Administer)),
    ("DELETE", "/v1/groups/{id}", Everywhere(Administer)),
    ("PUT", "/v1/groups/{id}/members/{user}", Everywhere(Administer)),
    ("DELETE", "/v1/groups/{id}/members/{user}", Everywhere(Administer)),
    ("GET", "/v1/grants", Everywhere(Administer)),
    ("PUT", "/v1/grants", Everywhere(Administer)),
    ("DELETE", "/v1/grants", Everywhere(Administer)),
    ("GET", "/v1/keys", Everywhere(Administer)),
    ("POST", "/v1/keys", Everywhere(Administer)),
    ("GET", "/v1/keys/leaked", Everywhere(Administer)),
    ("DELETE", "/v1/keys/{id}", Everywhere(Administer)),
    ("GET", "/v1/audit", Everywhere(Audit)),
    ("GET", "/v1/audit/verify", Everywhere(Audit)),
    ("GET", "/v1/limits/blocks", Everywhere(See)),
    ("PUT", "/v1/limits/blocks", Everywhere(Administer)),
    ("DELETE", "/v1/limits/blocks", Everywhere(Administer)),
    // Workspaces.
    ("GET", "/v1/status", In(Enter)),
    ("GET", "/v1/workspaces", SignedIn),
    ("POST", "/v1/workspaces", Everywhere(Administer)),
    ("DELETE", "/v1/workspaces/{name}", In(Administer)),
    // Documents.
    ("GET", "/v1/documents", In(Read)),
    ("POST", "/v1/documents", In(Edit)),
    ("POST", "/v1/documents/find", In(Read)),
    ("GET", "/v1/documents/{id}", In(Read)),
    ("PATCH", "/v1/documents/{id}", In(Edit)),
    ("DELETE", "/v1/documents/{id}", In(Edit)),
    ("GET", "/v1/documents/{id}/content", In(Read)),
    ("GET", "/v1/documents/{id}/versions", In(Read)),
    ("GET", "/v1/documents/{id}/versions/{version}/passage", In(Read)),
    ("POST", "/v1/memory/episodes", In(Converse)),
    ("GET", "/v1/memory/episodes", In(Read)),
    ("GET", "/v1/memory/episodes/{id}", In(Read)),
    ("GET", "/v1/memory/facts", In(Read)),
    ("POST", "/v1/memory/facts/find", In(Read)),
    ("POST", "/v1/memory/facts", In(Converse)),
    ("GET", "/v1/memory/facts/{id}", In(Read)),
    ("PATCH", "/v1/memory/facts/{id}", In(Converse)),
    ("GET", "/v1/memory/entities", In(Read)),
    ("POST", "/v1/memory/entities/find", In(Read)),
    ("GET", "/v1/memory/entities/{id}", In(Read)),
    ("PATCH", "/v1/memory/entities/{id}", In(Converse)),
    ("GET", "/v1/memory/entities/{id}/timeline", In(Read)),
    ("POST", "/v1/memory/timeline", In(Read)),
    ("GET", "/v1/memory/conflicts", In(Read)),
    ("GET", "/v1/memory/changes", In(Read)),
    ("GET", "/v1/memory/export", In(Read)),
    ("POST", "/v1/memory/import", In(Converse)),
    ("POST", "/v1/memory/recall", In(Read)),
    ("GET", "/v1/memory/graph", In(Read)),
    ("POST", "/v1/memory/graph/find", In(Read)),
    ("GET", "/v1/memory/graph/path", In(Read)),
    ("POST", "/v1/memory/graph/path/find", In(Read)),
    ("GET", "/v1/memory/graph/central", In(Read)),
    ("GET", "/v1/memory/graph/communities", In(Read)),
    ("POST", "/v1/memory/forget", In(Read)),
    ("GET", "/v1/memory/receipts", In(Read)),
    ("GET", "/v1/memory/consent", SignedIn),
    ("PUT", "/v1/memory/consent", SignedIn),
    ("GET", "/v1/memory/stats", In(Read)),
    ("POST", "/v1/memory/events", In(Converse)),
    ("GET", "/v1/memory/code", In(Read)),
    ("POST", "/v1/memory/code", In(Edit)),
    ("GET", "/v1/memory/code/known", In(Edit)),
    ("GET", "/v1/memory/code/callers", In(Read)),
    ("GET", "/v1/memory/code/since", In(Read)),
    ("GET", "/v1/memory/code/why", In(Read)),
    // Agents: what they call has the row of what it does.
    ("POST", "/mcp", SignedIn),
    ("GET", "/v1/jobs", Somewhere(Read)),
    ("GET", "/v1/jobs/events", Somewhere(Read)),
    ("GET", "/v1/jobs/{id}", Somewhere(Read)),
    ("DELETE", "/v1/jobs/{id}", Somewhere(Edit)),
    ("POST", "/v1/jobs/{id}/retry", Somewhere(Edit)),
    ("POST", "/v1/search", In(Read)),
    // Conversations.
    ("POST", "/v1/ask", In(Converse)),
    ("POST", "/v1/chat/completions", In(Converse)),
    ("POST", "/v1/embeddings", Somewhere(Converse)),
    ("GET", "/v1/models", Somewhere(Converse)),
    ("GET", "/v1/models/{id}", Somewhere(Converse)),
    ("GET", "/v1/threads", In(Converse)),
    ("POST", "/v1/threads", In(Converse)),
    ("POST", "/v1/threads/find", In(Converse)),
    ("GET", "/v1/threads/{id}", In(Converse)),
    ("PATCH", "/v1/threads/{id}", In(Converse)),
    ("DELETE", "/v1/threads/{id}", In(Converse)),
    ("POST", "/v1/threads/{id}/fork", In(Converse)),
    ("GET", "/v1/threads/{id}/turns", In(Converse)),
    ("POST", "/v1/threads/{id}/turns", In(Converse)),
    ("GET", "/v1/turns/{id}", In(Converse)),
    ("PUT", "/v1/turns/{id}/feedback", In(Converse)),
    // Runs and flows.
    ("GET", "/v1/approvals", In(Converse)),
    ("GET", "/v1/runs", In(Converse)),
    ("POST", "/v1/runs", In(Converse)),
    ("GET", "/v1/runs/statistics", Everywhere(See)),
    ("GET", "/v1/runs/{id}", In(Converse)),
    ("DELETE", "/v1/runs/{id}", In(Converse)),
    ("POST", "/v1/runs/{id}/answer", In(Converse)),
    ("POST", "/v1/runs/{id}/cancel", In(Converse)),
    ("GET", "/v1/runs/{id}/checkpoints", In(Converse)),
    ("GET", "/v1/runs/{id}/checkpoints/{number}", In(Converse)),
    ("GET", "/v1/runs/{id}/diff/{other}", In(Converse)),
    ("GET", "/v1/runs/{id}/events", In(Converse)),
    ("GET", "/v1/runs/{id}/flow", In(Converse)),
    ("POST", "/v1/runs/{id}/fork", In(Converse)),
    ("POST", "/v1/runs/{id}/replay", In(Converse)),
    ("POST", "/v1/runs/{id}/resume", In(Converse)),
    ("GET", "/v1/runs/{id}/socket", In(Converse)),
    ("GET", "/v1/flows", Somewhere(Converse)),
    ("GET", "/v1/flows/schema", Somewhere(Converse)),
    ("POST", "/v1/flows/validate", Somewhere(Converse)),
    ("GET", "/v1/flows/{name}", Somewhere(Converse)),
    ("PUT", "/v1/flows/{name}", Everywhere(Build)),
    ("DELETE", "/v1/flows/{name}", Everywhere(Build)),
    // Operations.
    ("POST", "/v1/index/rebuild", Everywhere(Operate)),
    ("GET", "/v1/budgets", Everywhere(See)),
    ("GET", "/v1/costs", Everywhere(See)),
    ("GET", "/v1/providers", Everywhere(See)),
    ("POST", "/v1/providers/{name}/test", Everywhere(Operate)),
    ("GET", "/v1/ops/alert-rules", Everywhere(See)),
    ("GET", "/v1/ops/alert-rules/prometheus", Everywhere(See)),
    ("GET", "/v1/ops/alerts", Everywhere(See)),
    ("POST", "/v1/ops/alerts/test", Everywhere(Operate)),
    ("POST", "/v1/ops/alerts/{number}/acknowledge", Everywhere(Operate)),
    ("GET", "/v1/ops/backups", Everywhere(See)),
    ("POST", "/v1/ops/backups", Everywhere(Operate)),
    ("POST", "/v1/ops/backups/prune", Everywhere(Operate)),
    ("GET", "/v1/ops/backups/status", Everywhere(See)),
    ("POST", "/v1/ops/backups/verify", Everywhere(Operate)),
    ("GET", "/v1/ops/backups/verify/events", Everywhere(Operate)),
    ("GET", "/v1/ops/doctor", Everywhere(See)),
    ("GET", "/v1/ops/drills", Everywhere(See)),
    ("POST", "/v1/ops/drills", Everywhere(Operate)),
    ("GET", "/v1/ops/drills/report", Everywhere(See)),
    ("GET", "/v1/ops/health", Everywhere(See)),
    ("POST", "/v1/ops/golden", Everywhere(Operate)),
    ("GET", "/v1/ops/incidents", Everywhere(See)),
    ("POST", "/v1/ops/incidents", Everywhere(Operate)),
    ("GET", "/v1/ops/incidents/{number}", Everywhere(See)),
    ("POST", "/v1/ops/incidents/{number}/events", Everywhere(Operate)),
    ("GET", "/v1/ops/incidents/{number}/review", Everywhere(See)),
    ("GET", "/v1/ops/log-level", Everywhere(See)),
    ("PUT", "/v1/ops/log-level", Everywhere(Operate)),
    ("POST", "/v1/ops/restores", Everywhere(Operate)),
    ("GET", "/v1/ops/runbooks", Everywhere(See)),
    ("GET", "/v1/ops/runbooks/{name}", Everywhere(See)),
    ("GET", "/v1/ops/series", Everywhere(See)),
    ("POST", "/v1/ops/silences", Everywhere(Operate)),
    ("DELETE", "/v1/ops/silences/{number}", Everywhere(Operate)),
    ("GET", "/v1/ops/slo", Everywhere(See)),
    ("GET", "/v1/ops/tasks", Everywhere(See)),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_method_and_route() {
        assert_eq!(need(&Method::GET, "/v1/keys"), Some(Everywhere(Administer)));
        assert_eq!(need(&Method::HEAD, "/health/live"), Some(Open));
        assert_eq!(need(&Method::PUT, "/v1/keys"), None);
        assert_eq!(need(&Method::GET, "/v1/nothing"), None);
    }

    #[test]
    fn an_endpoint_has_one_row() {
        for (number, (method, route, _)) in MATRIX.iter().enumerate() {
            let later = &MATRIX[number + 1..];
            assert!(!later.iter().any(|row| (row.0, row.1) == (*method, *route)), "{method} {route}");
        }
    }
}
