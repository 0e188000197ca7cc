//! `/v1/limits`: addresses that are not answered.

use axum::http::StatusCode;
use ibid_api::limits::{Block as WireBlock, BlockRequest};
use ibid_api::problem::Problem;
use ibid_store::Block;
use serde::Deserialize;

use crate::access::{Caller, blocks};
use crate::http::{Answered, Json, Parameters, blocking, respond};
use crate::words;

/// Longer reasons are refused: they are told with each refusal.
const REASON_CHARS_MAX: usize = 200;

/// Lists the blocks that hold now, the last one first; those of the configuration are not among them.
#[utoipa::path(get, path = "/v1/limits/blocks", tag = "operations",
    responses((status = 200, body = Vec<WireBlock>), (status = "default", body = Problem)))]
pub async fn blocks(app: Caller) -> Answered<axum::Json<Vec<WireBlock>>> {
    respond(&app, |app| Ok(app.store.block_list()?.into_iter().map(wire).collect())).await
}

/// Blocks an address or a network, or changes the block that is there.
#[utoipa::path(put, path = "/v1/limits/blocks", tag = "operations", request_body = BlockRequest,
    responses((status = 200, body = WireBlock), (status = "default", body = Problem)))]
pub async fn block(app: Caller, Json(request): Json<BlockRequest>) -> Answered<axum::Json<WireBlock>> {
    let made_by = app.who().to_string();
    respond(&app, move |app| {
        let now = app.clock.now();
        let reason = match request.reason.trim() {
            "" => "an administrator blocked it".to_owned(),
            reason => words::line("reason", reason, REASON_CHARS_MAX)?,
        };
        let until = request.minutes.map(|minutes| now.plus_ms(i64::from(minutes) * 60_000));
        let network = request.network.trim().to_owned();
        let block = Block { network, reason, made_by, created_at: now, until };
        blocks::set(app, &block)?;
        Ok(wire(block))
    })
    .await
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BlockQuery {
    /// As it is listed.
    pub network: String,
}

/// Answers a network again.
#[utoipa::path(delete, path = "/v1/limits/blocks", tag = "operations", params(BlockQuery),
    responses((status = 204), (status = "default", body = Problem)))]
pub async fn block_end(app: Caller, Parameters(query): Parameters<BlockQuery>) -> Answered<StatusCode> {
    blocking(&app, move |app| blocks::end(app, query.network.trim())).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn wire(block: Block) -> WireBlock {
    WireBlock {
        network: block.network,
        reason: block.reason,
        made_by: block.made_by,
        created_at: block.created_at.to_string(),
        until: block.until.map(|until| until.to_string()),
    }
}
