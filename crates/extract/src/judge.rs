//! How much an episode matters as a whole.

use crate::found::{DateMention, Mention, Statement};

/// Small talk: nothing stated, nobody named.
const SMALL_TALK: f32 = 0.02;
/// A question tells what interests somebody, no more.
const QUESTION: f32 = 0.05;
/// Names or dates without a statement.
const NAMED: f32 = 0.15;
/// What each further statement adds of what is missing to 1.
const FURTHER: f32 = 0.15;

/// 0 to 1: the most important statement, and a little for each other.
pub(crate) fn importance(
    mentions: &[Mention],
    dates: &[DateMention],
    statements: &[Statement],
    asks: bool,
) -> f32 {
    let best = statements.iter().map(|statement| statement.importance).fold(0.0_f32, f32::max);
    if statements.is_empty() {
        let is_named = !mentions.is_empty() || !dates.is_empty();
        return match (asks, is_named) {
            (true, _) => QUESTION,
            (false, true) => NAMED,
            (false, false) => SMALL_TALK,
        };
    }
    let rest: f32 = statements.iter().map(|statement| statement.importance).sum::<f32>() - best;
    best + (1.0 - best) * (1.0 - (-FURTHER * rest).exp())
}
