//! The part of `ibid status` that shows the last round of each kind of upkeep.

use ibid_api::ops::{TaskRound, Tasks};
use ibid_types::Result;

use crate::context::Context;
use crate::output::{Color, foreign};

/// A line for each, those that failed in colour. Only a server has them.
pub fn lines(context: &Context) -> Result<Vec<String>> {
    let tasks: Tasks = context.client.get("/v1/ops/tasks")?.json()?;
    Ok(tasks.rounds.iter().map(|round| line(context.color, round)).collect())
}

fn line(color: Color, round: &TaskRound) -> String {
    let (task, at) = (color.dim(&foreign(&round.task)), foreign(&round.at));
    match &round.failure {
        None => format!("{task}  {at}: {}", foreign(&round.result)),
        Some(code) => {
            format!("{task}  {at}: {} [{}]", color.red(&foreign(&round.result)), foreign(code))
        }
    }
}
