//! From when to when a statement holds, by the dates beside it and the tense.

use ibid_types::Timestamp;

use crate::clause::Time;
use crate::found::{DateMention, DateRole, Validity};

/// How something is said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    pub at: Timestamp,
    pub time: Time,
    pub is_state: bool,
    /// It held and does no more.
    pub ended: bool,
    pub negated: bool,
}

/// None where nothing says when.
pub(crate) fn validity<'d>(dates: impl Iterator<Item = &'d DateMention>, said: Said) -> Option<Validity> {
    let mut valid = None;
    for date in dates {
        let bounds: &mut Validity = valid.get_or_insert_default();
        match date.role {
            DateRole::Since => bounds.from = Some(date.from),
            DateRole::After => bounds.from = Some(date.to),
            DateRole::Until => bounds.to = Some(date.to),
            DateRole::Before => bounds.to = bounds.to.or((said.time != Time::Past).then_some(date.to)),
            DateRole::On => on(bounds, date, said),
        }
    }
    ordered(valid).or_else(|| by_tense(said))
}

/// What was so in May is closed; what happened in May is so from then on.
fn on(bounds: &mut Validity, date: &DateMention, said: Said) {
    bounds.from = bounds.from.or(Some(date.from));
    let is_closed = said.is_state && said.time == Time::Past && !said.negated;
    if is_closed && bounds.to.is_none() {
        bounds.to = Some(date.to);
    }
}

/// Bounds the wrong way round say nothing.
fn ordered(valid: Option<Validity>) -> Option<Validity> {
    valid.filter(|bounds| match (bounds.from, bounds.to) {
        (Some(from), Some(to)) => from < to,
        (None, None) => false,
        _ => true,
    })
}

fn by_tense(said: Said) -> Option<Validity> {
    if said.ended && said.negated {
        return Some(Validity { from: Some(said.at), to: None });
    }
    let is_over = said.ended || (said.is_state && said.time == Time::Past && !said.negated);
    is_over.then_some(Validity { from: None, to: Some(said.at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1000);

    fn date(role: DateRole) -> DateMention {
        DateMention { span: 0..1, from: Timestamp(10), to: Timestamp(20), role, exact: true }
    }

    fn bounds(role: DateRole, time: Time, is_state: bool) -> (Option<i64>, Option<i64>) {
        let said = Said { at: AT, time, is_state, ended: false, negated: false };
        let valid = validity([date(role)].iter(), said).unwrap_or_default();
        (valid.from.map(|time| time.0), valid.to.map(|time| time.0))
    }

    #[test]
    fn dates_bound_what_is_said() {
        assert_eq!(bounds(DateRole::Since, Time::Present, true), (Some(10), None));
        assert_eq!(bounds(DateRole::Until, Time::Present, true), (None, Some(20)));
        assert_eq!(bounds(DateRole::On, Time::Past, false), (Some(10), None));
        assert_eq!(bounds(DateRole::On, Time::Past, true), (Some(10), Some(20)));
        assert_eq!(bounds(DateRole::After, Time::Present, true), (Some(20), None));
    }

    #[test]
    fn the_tense_bounds_what_has_no_date() {
        let said = |ended, negated, time| Said { at: AT, time, is_state: true, ended, negated };
        let valid = |said| validity([].iter(), said);
        assert_eq!(valid(said(false, false, Time::Present)), None);
        assert_eq!(valid(said(true, true, Time::Present)), Some(Validity { from: Some(AT), to: None }));
        assert_eq!(valid(said(true, false, Time::Past)), Some(Validity { from: None, to: Some(AT) }));
        assert_eq!(valid(said(false, false, Time::Past)), Some(Validity { from: None, to: Some(AT) }));
    }
}
