//! `/openapi.json`, generated from the handlers.

use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Schema, SchemaFormat};

use crate::access::matrix::{Need, need};

/// The document's head; the paths are added by the router from the same list that routes them.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Ibid", description = "Answers from your own documents, with the exact source of every claim."),
    modifiers(&Security),
    components(schemas(ibid_api::document::Upload, ibid_api::memory::MemoryEvent, ibid_api::answer::StepEvent, ibid_api::answer::TokenEvent, ibid_api::run::Event)),
    tags(
        (name = "answers", description = "Ask and search"),
        (name = "chat", description = "Threads, their turns, and feedback"),
        (name = "runs", description = "Runs of flows, step by step"),
        (name = "flows", description = "What can be run"),
        (name = "documents", description = "Put documents in, look at them, take them out"),
        (name = "memory", description = "What is remembered, since when, and its being forgotten"),
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

/// What the handlers do not tell of themselves: which endpoints are open to everybody, by the matrix, and that what stands for something
/// in a path is its id.
pub fn complete(document: &mut utoipa::openapi::OpenApi) {
    for (route, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if matches!(need(&method, route), Some(Need::Open | Need::Attempt)) {
                operation.security = Some(Vec::new());
            }
            let parameters = operation.parameters.iter_mut().flatten();
            parameters.for_each(|parameter| tell_id(route, parameter));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Flows and workspaces have names, incidents numbers, and passkeys are named by their authenticators.
fn tell_id(route: &str, parameter: &mut RefOr<Parameter>) {
    let RefOr::T(Parameter { name, parameter_in: ParameterIn::Path, schema: Some(RefOr::T(schema)), .. }) =
        parameter
    else {
        return;
    };
    let is_id = !["name", "number"].contains(&name.as_str()) && !route.starts_with("/v1/auth/passkeys/");
    if let Schema::Object(object) = schema
        && is_id
    {
        object.format = Some(SchemaFormat::Custom("uuid".to_owned()));
    }
}
