//! Retention: what is older than a destination keeps goes, as far as nothing that stays needs it.
//!
//! Keeps true: every moment of the last `keep_days` can still be restored afterwards, and always the newest one, however
//! old it is; a piece goes only when no base that stays names it and it was written before the oldest of them.

use std::collections::HashSet;
use std::sync::Arc;

use ibid_seal::Keys;
use ibid_types::{Result, Timestamp};
use serde::Serialize;

use crate::backup::Backup;
use crate::base::Base;
use crate::catalog::{Catalog, Holdings};
use crate::destination::Destination;
use crate::pieces::piece_names;

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Clocks of machines and stores differ; a piece that was written so long before the oldest base is older than it.
const SKEW_MS: i64 = DAY_MS;

/// What was removed from a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    pub destination: String,
    pub bases: u64,
    pub segments: u64,
    pub pieces: u64,
    pub bytes: u64,
}

impl Backup {
    /// Prunes every destination, as a round of upkeep.
    pub(crate) fn pruned(&self) -> Result<String> {
        let pruned: Vec<Pruned> = self.prune_all().into_iter().collect::<Result<_>>()?;
        let sum = |of: fn(&Pruned) -> u64| pruned.iter().map(of).sum::<u64>();
        let (bases, segments, pieces) = (sum(|p| p.bases), sum(|p| p.segments), sum(|p| p.pieces));
        Ok(format!(
            "{bases} bases, {segments} segments and {pieces} pieces removed, which no destination keeps"
        ))
    }

    /// Prunes every destination by its own retention; failures are noted and tried again with the next base.
    pub fn prune_all(&self) -> Vec<Result<Pruned>> {
        let _one = self.base.lock();
        let now = self.source.clock.now();
        let one = |target: &crate::Target| {
            let outcome = prune(
                &target.destination,
                &self.settings.keys,
                now.plus_ms(-i64::from(target.keep_days) * DAY_MS),
            );
            self.noted(outcome).inspect_err(|error| {
                tracing::warn!(code = error.code, "a backup was not pruned: {}", error.chain());
            })
        };
        self.settings.targets.iter().map(one).collect()
    }
}

/// Removes what only moments before `horizon` need.
pub fn prune(source: &Arc<dyn Destination>, keys: &Keys, horizon: Timestamp) -> Result<Pruned> {
    let mut pruned = Pruned { destination: source.label().to_owned(), ..Pruned::default() };
    let mut catalog = Catalog::read(std::slice::from_ref(source))?;
    let newest = catalog.generations.iter().rev().find(|(_, held)| !held.bases.is_empty());
    let newest = newest.map(|(generation, _)| generation.clone());
    let Some(newest) = newest else { return Ok(pruned) };
    for (generation, holdings) in &mut catalog.generations {
        let is_over = *generation < newest && holdings.ends_before(horizon);
        prune_generation(source, holdings, horizon, is_over, &mut pruned)?;
    }
    if pruned.bases > 0 || pruned.segments > 0 {
        prune_pieces(source, keys, &catalog, &mut pruned)?;
    }
    Ok(pruned)
}

fn prune_generation(
    source: &Arc<dyn Destination>,
    holdings: &mut Holdings,
    horizon: Timestamp,
    is_over: bool,
    pruned: &mut Pruned,
) -> Result<()> {
    let kept = holdings.bases.keys().rev().find(|base| base.at <= horizon).cloned();
    // The log goes before the base that begins it, so that what is there can always be restored from its base on.
    let log: Vec<_> = holdings
        .log
        .keys()
        .filter(|name| is_over || kept.as_ref().is_some_and(|base| name.segments.1 <= base.segment))
        .cloned()
        .collect();
    let bases: Vec<_> = holdings
        .bases
        .keys()
        .filter(|base| is_over || kept.as_ref().is_some_and(|kept| *base < kept))
        .cloned()
        .collect();
    for base in bases {
        source.delete(&base.to_string())?;
        pruned.bytes += holdings.bases.remove(&base).unwrap_or_default();
        pruned.bases += 1;
    }
    for name in log {
        source.delete(&name.to_string())?;
        pruned.bytes += holdings.log.remove(&name).unwrap_or_default();
        pruned.segments += name.segments.1 - name.segments.0 + 1;
    }
    Ok(())
}

fn prune_pieces(
    source: &Arc<dyn Destination>,
    keys: &Keys,
    catalog: &Catalog,
    pruned: &mut Pruned,
) -> Result<()> {
    let mut named = HashSet::new();
    let mut oldest = Timestamp(i64::MAX);
    for base in catalog.generations.values().flat_map(|holdings| holdings.bases.keys()) {
        let whole = Base::read(base, &source.get(&base.to_string())?, keys)?;
        oldest = oldest.min(whole.head.at);
        named.extend(whole.pieces.iter().chain(&whole.originals).flat_map(|hash| piece_names(hash, keys)));
    }
    let before = oldest.plus_ms(-SKEW_MS);
    for object in source.list("pieces/")? {
        if object.written < before && !named.contains(&object.name) {
            source.delete(&object.name)?;
            pruned.pieces += 1;
            pruned.bytes += object.bytes;
        }
    }
    Ok(())
}

impl Holdings {
    /// Whether its last moment is before the horizon.
    fn ends_before(&self, horizon: Timestamp) -> bool {
        let logged = self.log.keys().map(|name| name.at);
        logged.chain(self.bases.keys().map(|base| base.at)).all(|at| at < horizon)
    }
}
