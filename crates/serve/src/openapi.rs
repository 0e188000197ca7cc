//! `/openapi.json`, generated from the handlers.

use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

/// The document's head; the paths are added by the router from the same list that routes them.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Ibid", description = "Answers from your own documents, with the exact source of every claim."),
    modifiers(&Security),
    components(schemas(ibid_api::document::Upload, ibid_api::answer::StepEvent, ibid_api::answer::TokenEvent, ibid_api::run::Event)),
    tags(
        (name = "answers", description = "Ask and search"),
        (name = "chat", description = "Threads, their turns, and feedback"),
        (name = "runs", description = "Runs of flows, step by step"),
        (name = "flows", description = "What can be run"),
        (name = "documents", description = "Put documents in, look at them, take them out"),
        (name = "jobs", description = "Follow the work"),
        (name = "openai", description = "For OpenAI clients"),
        (name = "operations", description = "Metrics over time, the log"),
        (name = "identity", description = "Signing in, people, what is granted to them, the audit log"),
        (name = "system", description = "Health, status, workspaces, keys")
    )
)]
pub struct Document;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        document.components.get_or_insert_default().add_security_scheme("key", bearer);
        document.security =
            Some(vec![utoipa::openapi::security::SecurityRequirement::new("key", Vec::<String>::new())]);
    }
}
