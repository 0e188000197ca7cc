//! `/v1/ops/tasks`: what the server does beside its requests, and how the last round of each went.

use ibid_api::ops::{Task, TaskRound, Tasks};
use ibid_api::problem::Problem;
use ibid_runtime::{Round, TaskState};

use crate::access::Caller;
use crate::http::{Answered, respond};

/// Background tasks, and the last round of each kind of upkeep with its result.
#[utoipa::path(get, path = "/v1/ops/tasks", tag = "operations",
    responses((status = 200, body = Tasks), (status = "default", body = Problem)))]
pub async fn tasks(app: Caller) -> Answered<axum::Json<Tasks>> {
    respond(&app, |_| {
        let tasks = ibid_runtime::tasks().into_iter().map(task).collect();
        Ok(Tasks { tasks, rounds: ibid_runtime::rounds().into_iter().map(round).collect() })
    })
    .await
}

fn task((name, state): (String, TaskState)) -> Task {
    let state = match state {
        TaskState::Running => "running",
        TaskState::Ended => "ended",
        TaskState::Panicked => "panicked",
    };
    Task { name, state: state.to_owned() }
}

fn round(round: Round) -> TaskRound {
    TaskRound {
        task: round.task.to_owned(),
        at: round.at.to_string(),
        took_ms: round.took_ms,
        result: round.result,
        failure: round.failure.map(str::to_owned),
        rounds: round.rounds,
        failed: round.failed,
    }
}
