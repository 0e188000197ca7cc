//! Answers that were given, checked again.
//!
//! Keeps true: a citation is right when its quote is, byte for byte, in the cited version at its place; a claim, when it was
//! called supported and the passages that it cites, read anew, still say what it says.

use ibid_chat::recheck::{STILL_SUPPORTED_MIN, support};
use ibid_types::answer::{Answer, Citation, Claim, Verdict};
use ibid_types::{ChunkId, Result, Timestamp, TurnId, WorkspaceId};

use super::count;
use crate::App;
use crate::turns::read_answer;

/// Turns looked at in one round.
const TURNS_MAX: usize = 200;

/// Checks the sampled ones of the turns that ended after `from`.
pub fn turns(app: &App, from: Timestamp, to: Timestamp) -> Result<()> {
    let sql = "SELECT turns.id, threads.workspace_id FROM turns JOIN threads ON threads.id = turns.thread_id \
               WHERE turns.finished_at > $1 AND turns.finished_at <= $2 ORDER BY turns.finished_at LIMIT $3";
    let rows = app.store.db().query(sql, &[from.into(), to.into(), TURNS_MAX.into()])?;
    for row in rows {
        let (id, workspace): (TurnId, WorkspaceId) = (row.get(0)?, row.get(1)?);
        if !is_sampled(id, app.config.slo.quality_sample_percent) {
            continue;
        }
        let Some(turn) = app.store.turn_find(id)? else { continue };
        if let Some(answer) = turn.answer.as_ref().and_then(read_answer) {
            check(app, workspace, &turn.question, &answer)?;
        }
    }
    Ok(())
}

/// Chosen by the id's own random end, so that a turn is sampled or not whoever looks.
fn is_sampled(id: TurnId, percent: u32) -> bool {
    let bytes = id.as_bytes();
    let number = u32::from(bytes[14]) << 8 | u32::from(bytes[15]);
    number % 100 < percent
}

/// Counts each citation and each claim that can be checked.
pub fn check(app: &App, workspace: WorkspaceId, question: &str, answer: &Answer) -> Result<()> {
    let mut right = Vec::new();
    for citation in &answer.citations {
        if let Some(is_right) = is_exact(app, citation)? {
            count(app, "citation", is_right);
            if is_right {
                right.push(citation);
            }
        }
    }
    for claim in answer.claims.iter().filter(|claim| claim.verdict != Verdict::NotCheckable) {
        let carried =
            claim.verdict == Verdict::Supported && is_carried(app, workspace, question, claim, &right)?;
        count(app, "claim", carried);
    }
    Ok(())
}

/// Whether the quote stands where it says; nothing where its document is gone or the quote is withheld.
fn is_exact(app: &App, citation: &Citation) -> Result<Option<bool>> {
    let Some(chunk) = app.store.chunks_by_id(&[citation.chunk])?.pop().filter(|_| !citation.withheld) else {
        return Ok(None);
    };
    let place = citation.start.checked_sub(chunk.span.start).zip(citation.end.checked_sub(chunk.span.start));
    let there = place.and_then(|(start, end)| chunk.text.get(start..end));
    Ok(Some(there == Some(citation.quote.as_str()) && chunk.version == citation.version))
}

fn is_carried(
    app: &App,
    workspace: WorkspaceId,
    question: &str,
    claim: &Claim,
    right: &[&Citation],
) -> Result<bool> {
    let cited = right.iter().filter(|citation| claim.citations.contains(&citation.number));
    let chunks: Vec<ChunkId> = cited.map(|citation| citation.chunk).collect();
    let passages = app.passages(workspace, &chunks)?;
    Ok(support(app.embedder.as_ref(), question, &claim.text, passages) >= STILL_SUPPORTED_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_about_as_large_as_asked() {
        let sampled = (0..2000).filter(|_| is_sampled(TurnId::new(), 10)).count();
        assert!((100..300).contains(&sampled), "{sampled}");
        assert!(!is_sampled(TurnId::new(), 0) && is_sampled(TurnId::new(), 100));
    }
}
