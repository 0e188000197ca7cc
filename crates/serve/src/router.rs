//! The table of routes. An endpoint that is not in it does not exist, in the API or in `/openapi.json`.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{get, post};
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::limits::{Bounds, bound, bound_body, observe};
use crate::routes::{
    alerts, ask, backups, costs, doctor, documents, factors, flows, identity, incidents, jobs, limits,
    memory, memory_code, memory_events, oidc, openai, people, providers, recall, runs, search, system,
    telemetry, threads, tokens, upkeep, upload,
};
use crate::{access, audit, mcp, openapi, page};

/// Every route over one application.
pub fn router(app: &Arc<App>) -> Router {
    let limits = &app.config.server;
    let (guarded, mut document) = guarded(app).split_for_parts();
    let (open, open_document) = open().split_for_parts();
    document.merge(open_document);
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    openapi::complete(&mut document);
    let description = get(move || async move { axum::Json(document) });
    let bounds = Bounds::new(limits.requests_concurrent_max, limits.request_seconds_max);
    let guarded = guarded
        .route("/openapi.json", description)
        .layer(from_fn_with_state(Arc::clone(app), audit::record))
        .layer(from_fn_with_state(bounds.clone(), bound))
        .layer(from_fn_with_state(Arc::clone(app), access::guard));
    let open = open.layer(from_fn_with_state(Arc::clone(app), access::guard));
    let api = guarded.merge(open);
    Router::new()
        .merge(agents(app, &api, &bounds))
        .merge(api)
        .route("/docs", get(|| async { Redirect::temporary("/#/api") }))
        .fallback(page::file)
        .method_not_allowed_fallback(page::method)
        .layer(from_fn_with_state(Arc::clone(app), observe))
        .with_state(Arc::clone(app))
}

/// The way in for agents. What they ask for goes through the routes of the API, each with its guard and its line in the log.
fn agents(app: &Arc<App>, api: &Router<Arc<App>>, bounds: &Bounds) -> Router<Arc<App>> {
    let bytes_max = app.config.server.request_bytes_max;
    let api = api.clone().layer(from_fn_with_state(Arc::clone(app), observe)).with_state(Arc::clone(app));
    let door = mcp::Door { app: Arc::clone(app), api };
    Router::new()
        .route("/mcp", post(move |request| door.answer(request)))
        .layer(from_fn_with_state(("server.request_bytes_max", bytes_max), bound_body))
        .layer(from_fn_with_state(bounds.clone(), bound))
        .layer(from_fn_with_state(Arc::clone(app), access::guard))
}

fn guarded(app: &Arc<App>) -> OpenApiRouter<Arc<App>> {
    let limits = &app.config.server;
    let uploads = OpenApiRouter::with_openapi(openapi::Document::openapi())
        .routes(routes!(upload::upload))
        .routes(routes!(memory_code::take))
        .layer(DefaultBodyLimit::max(limits.upload_bytes_max))
        .layer(from_fn_with_state(("server.upload_bytes_max", limits.upload_bytes_max), bound_body));
    let rest = OpenApiRouter::new()
        .routes(routes!(ask::ask))
        .routes(routes!(search::search))
        .routes(routes!(documents::list))
        .routes(routes!(documents::find_by_words))
        .routes(routes!(documents::show, documents::change, documents::delete))
        .routes(routes!(documents::versions))
        .routes(routes!(documents::passage))
        .routes(routes!(documents::content))
        .routes(routes!(memory::remember, memory::episodes))
        .routes(routes!(memory::episode_shown))
        .routes(routes!(memory_events::take))
        .routes(routes!(memory::facts, memory::relate))
        .routes(routes!(memory::fact, memory::fact_change))
        .routes(routes!(memory::facts_found))
        .routes(routes!(memory::entities))
        .routes(routes!(memory::entities_found))
        .routes(routes!(memory::entity_shown, memory::entity_change))
        .routes(routes!(memory::timeline))
        .routes(routes!(memory::timeline_found))
        .routes(routes!(memory::conflicts))
        .routes(routes!(memory::changes))
        .routes(routes!(recall::recall))
        .routes(routes!(recall::graph))
        .routes(routes!(recall::graph_found))
        .routes(routes!(recall::path))
        .routes(routes!(recall::path_found))
        .routes(routes!(recall::central))
        .routes(routes!(recall::communities))
        .routes(routes!(memory::forget))
        .routes(routes!(memory::export))
        .routes(routes!(memory::import))
        .routes(routes!(memory::receipts_list))
        .routes(routes!(memory::consent, memory::consent_change))
        .routes(routes!(memory::stats))
        .routes(routes!(memory_code::list))
        .routes(routes!(memory_code::known))
        .routes(routes!(memory_code::callers))
        .routes(routes!(memory_code::since))
        .routes(routes!(memory_code::why))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::events))
        .routes(routes!(jobs::show, jobs::cancel))
        .routes(routes!(jobs::retry))
        .routes(routes!(threads::list, threads::create))
        .routes(routes!(threads::find_by_words))
        .routes(routes!(threads::show, threads::change, threads::delete))
        .routes(routes!(threads::turns, threads::ask))
        .routes(routes!(threads::fork))
        .routes(routes!(threads::turn))
        .routes(routes!(threads::feedback))
        .routes(routes!(runs::list, runs::start))
        .routes(routes!(runs::statistics))
        .routes(routes!(runs::show, runs::delete))
        .routes(routes!(runs::checkpoints))
        .routes(routes!(runs::state))
        .routes(routes!(runs::events))
        .routes(routes!(runs::socket))
        .routes(routes!(runs::answer))
        .routes(routes!(runs::resume))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::fork))
        .routes(routes!(runs::replay))
        .routes(routes!(runs::diff))
        .routes(routes!(runs::flow))
        .routes(routes!(runs::approvals))
        .routes(routes!(flows::list))
        .routes(routes!(flows::schema))
        .routes(routes!(flows::validate))
        .routes(routes!(flows::show, flows::save, flows::delete))
        .routes(routes!(openai::chat_completions))
        .routes(routes!(openai::embeddings))
        .routes(routes!(openai::models))
        .routes(routes!(openai::model))
        .routes(routes!(identity::door))
        .routes(routes!(identity::sign_in))
        .routes(routes!(identity::link_use))
        .routes(routes!(identity::link_make))
        .routes(routes!(factors::sign_in_begin))
        .routes(routes!(factors::sign_in))
        .routes(routes!(factors::factors))
        .routes(routes!(factors::app_begin, factors::app_finish))
        .routes(routes!(factors::app_remove))
        .routes(routes!(factors::codes_renew))
        .routes(routes!(factors::passkey_begin))
        .routes(routes!(factors::passkey_add))
        .routes(routes!(factors::passkey_remove))
        .routes(routes!(oidc::begin))
        .routes(routes!(oidc::callback))
        .routes(routes!(oidc::code))
        .routes(routes!(tokens::issue))
        .routes(routes!(tokens::jwks))
        .routes(routes!(tokens::signing_keys, tokens::rotate))
        .routes(routes!(identity::sign_out))
        .routes(routes!(identity::me))
        .routes(routes!(identity::password))
        .routes(routes!(identity::sessions, identity::sessions_end))
        .routes(routes!(identity::sessions_end_all))
        .routes(routes!(identity::session_end))
        .routes(routes!(people::users, people::user_create))
        .routes(routes!(people::factors_reset))
        .routes(routes!(people::user_change, people::user_delete))
        .routes(routes!(people::groups, people::group_create))
        .routes(routes!(people::group_delete))
        .routes(routes!(people::member_add, people::member_remove))
        .routes(routes!(people::grants, people::grant, people::grant_end))
        .routes(routes!(people::audit))
        .routes(routes!(people::audit_verify))
        .routes(routes!(limits::blocks, limits::block, limits::block_end))
        .routes(routes!(system::status))
        .routes(routes!(system::workspaces, system::workspace_create))
        .routes(routes!(system::workspace_delete))
        .routes(routes!(system::keys, system::key_create))
        .routes(routes!(system::key_revoke))
        .routes(routes!(system::index_rebuild))
        .routes(routes!(backups::list, backups::make))
        .routes(routes!(backups::status))
        .routes(routes!(backups::verify))
        .routes(routes!(backups::verify_events))
        .routes(routes!(backups::prune))
        .routes(routes!(backups::restore))
        .routes(routes!(backups::drills, backups::drill))
        .routes(routes!(backups::report))
        .routes(routes!(costs::budgets))
        .routes(routes!(costs::costs))
        .routes(routes!(providers::list))
        .routes(routes!(providers::test))
        .routes(routes!(upkeep::tasks))
        .routes(routes!(system::metrics))
        .routes(routes!(system::health))
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::acknowledge))
        .routes(routes!(alerts::silence))
        .routes(routes!(alerts::unsilence))
        .routes(routes!(alerts::rules))
        .routes(routes!(alerts::prometheus))
        .routes(routes!(alerts::test))
        .routes(routes!(alerts::objectives))
        .routes(routes!(incidents::list, incidents::open))
        .routes(routes!(incidents::show))
        .routes(routes!(incidents::change))
        .routes(routes!(incidents::review))
        .routes(routes!(doctor::doctor))
        .routes(routes!(doctor::golden))
        .routes(routes!(doctor::leaked))
        .routes(routes!(doctor::runbooks))
        .routes(routes!(doctor::runbook))
        .routes(routes!(telemetry::series))
        .routes(routes!(telemetry::log_level, telemetry::log_level_change))
        .layer(DefaultBodyLimit::max(limits.request_bytes_max))
        .layer(from_fn_with_state(("server.request_bytes_max", limits.request_bytes_max), bound_body));
    uploads.merge(rest)
}

/// What answers also when all else is busy: the probes of a supervisor.
fn open() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(system::live))
        .routes(routes!(system::ready))
        .routes(routes!(incidents::page))
}
