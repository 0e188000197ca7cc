//! Lines by a hand clock.

use super::*;
use ibid_types::KeyId;

const MS: Duration = Duration::from_millis(1);

/// Some workspaces and holders, and lines before a few places; tokens are numbers.
struct Room {
    lines: Lines<u32>,
    start: Instant,
    workspaces: [Option<WorkspaceId>; 4],
    keys: [Option<Holder>; 3],
}

impl Room {
    fn new(places: usize, waiting_max: usize, workspace_waiting_max: usize) -> Self {
        let wait_max = Duration::from_secs(2);
        Self {
            lines: Lines::new(Bounds { places, waiting_max, workspace_waiting_max, wait_max }),
            start: Instant::now(),
            workspaces: std::array::from_fn(|_| Some(WorkspaceId::new())),
            keys: std::array::from_fn(|_| Some(Holder::Key(KeyId::new()))),
        }
    }

    fn whose(&self, workspace: usize, key: usize) -> Whose {
        Whose { workspace: self.workspaces[workspace], holder: self.keys[key] }
    }

    fn enter(&mut self, workspace: usize, key: usize, token: u32) -> Entered<u32> {
        self.enter_after(workspace, key, token, 0)
    }

    fn enter_after(&mut self, workspace: usize, key: usize, token: u32, ms: u32) -> Entered<u32> {
        self.lines.enter(self.whose(workspace, key), token, self.start + ms * MS)
    }

    /// All enter; tokens count from the first.
    fn crowd(&mut self, workspace: usize, key: usize, first: u32, count: u32) {
        for token in first..first + count {
            let _ = self.enter(workspace, key, token);
        }
    }

    /// The token of whoever has the place next that a request of that workspace gives back after 10 ms.
    fn leave(&mut self, workspace: usize, key: usize) -> Option<u32> {
        self.lines.leave(self.whose(workspace, key), 10 * MS).map(|(_, token)| token)
    }
}

fn reason(entered: &Entered<u32>) -> Option<Reason> {
    match entered {
        Entered::Refused(busy) => Some(busy.reason),
        _ => None,
    }
}

#[test]
fn places_are_taken_before_anybody_waits() {
    let mut room = Room::new(2, 8, 8);
    assert_eq!(room.enter(0, 0, 1), Entered::Now);
    assert_eq!(room.enter(0, 0, 2), Entered::Now);
    assert!(matches!(room.enter(0, 0, 3), Entered::Waits { displaced: None, .. }));
    assert_eq!((room.lines.running(), room.lines.waiting()), (2, 1));
    assert_eq!(room.leave(0, 0), Some(3));
    assert_eq!((room.leave(0, 0), room.leave(0, 0)), (None, None));
    assert!(room.lines.shares.is_empty(), "what has nothing is forgotten");
}

#[test]
fn a_workspace_with_fewer_places_is_next() {
    let mut room = Room::new(2, 8, 8);
    room.crowd(0, 0, 1, 5);
    assert!(matches!(room.enter(1, 0, 9), Entered::Waits { .. }));
    assert_eq!(room.leave(0, 0), Some(9), "before four that came first");
    assert_eq!(room.leave(0, 0), Some(3));
}

#[test]
fn workspaces_take_turns_where_they_have_as_much() {
    let mut room = Room::new(1, 20, 20);
    room.crowd(0, 0, 0, 4);
    room.crowd(1, 0, 10, 3);
    room.crowd(2, 0, 20, 3);
    let mut last = 0;
    let served: Vec<u32> = std::iter::from_fn(|| {
        let next = room.leave(last, 0)?;
        last = next as usize / 10;
        Some(next)
    })
    .collect();
    assert_eq!(served, [10, 20, 1, 11, 21, 2, 12, 22, 3]);
}

#[test]
fn whoever_comes_again_and_again_does_not_pass_those_who_wait() {
    let mut room = Room::new(1, 20, 20);
    room.crowd(2, 0, 20, 9);
    room.crowd(0, 0, 0, 1);
    room.crowd(1, 0, 10, 1);
    let (mut served, mut last) = ([0; 3], 2);
    for _ in 0..9 {
        let next = room.leave(last, 0).unwrap() as usize / 10;
        served[next] += 1;
        // The two that have no line come back as soon as they had their turn.
        if last < 2 {
            room.crowd(last, 0, 10 * last as u32, 1);
        }
        last = next;
    }
    assert_eq!(served, [3, 3, 3]);
}

#[test]
fn holders_of_one_workspace_share_it() {
    let mut room = Room::new(1, 20, 20);
    room.crowd(0, 0, 0, 4);
    room.crowd(0, 1, 10, 2);
    assert_eq!(room.leave(0, 0), Some(10));
    assert_eq!(room.leave(0, 1), Some(1));
    assert_eq!(room.leave(0, 0), Some(11));
    assert_eq!(room.leave(0, 1), Some(2));
}

#[test]
fn a_workspace_does_not_get_more_by_many_keys() {
    let mut room = Room::new(2, 20, 20);
    (0..3).for_each(|key| room.crowd(0, key, 0, 2));
    room.crowd(1, 0, 20, 2);
    assert_eq!(room.leave(0, 0), Some(20));
    assert!(
        room.leave(0, 0).is_some_and(|token| token < 2),
        "one place each, and the first has waited longer"
    );
    assert_eq!(room.leave(1, 0), Some(21));
}

#[test]
fn the_newest_of_the_longest_line_goes_for_one_who_has_less() {
    let mut room = Room::new(1, 4, 20);
    room.crowd(0, 0, 0, 5);
    let Entered::Waits { displaced: Some((token, busy)), .. } = room.enter(1, 0, 10) else {
        panic!("not let in")
    };
    assert_eq!((token, busy.reason), (4, Reason::Displaced));
    assert_eq!(reason(&room.enter(0, 0, 5)), Some(Reason::Full), "it has most already");
    assert_eq!(reason(&room.enter(1, 0, 11)), None, "3 wait of one, 1 of the other");
    assert_eq!(reason(&room.enter(1, 0, 12)), Some(Reason::Full), "2 and 2");
    assert_eq!(room.lines.waiting(), 4);
}

#[test]
fn a_workspace_has_a_line_of_its_own_length() {
    let mut room = Room::new(1, 20, 3);
    room.crowd(0, 0, 0, 4);
    assert_eq!(reason(&room.enter(0, 0, 4)), Some(Reason::Full));
    let Entered::Waits { displaced: Some((token, _)), .. } = room.enter(0, 1, 10) else {
        panic!("another holder is not let in")
    };
    assert_eq!(token, 3);
    assert!(matches!(room.enter(1, 0, 20), Entered::Waits { displaced: None, .. }));
}

#[test]
fn a_line_that_stands_is_kept_short_but_open_to_others() {
    let mut room = Room::new(4, 50, 50);
    room.crowd(0, 0, 0, 8);
    assert!(matches!(room.enter_after(0, 0, 6, 999), Entered::Waits { .. }), "a burst may wait");
    assert_eq!(reason(&room.enter_after(0, 0, 7, 1_000)), Some(Reason::Slow));
    assert!(matches!(room.enter_after(1, 0, 10, 1_000), Entered::Waits { .. }));
    for _ in 0..6 {
        assert!(room.leave(0, 0).is_some());
    }
    assert_eq!(room.lines.waiting(), 0);
    for token in 20..26 {
        let entered = room.enter_after(0, 0, token, 1_500);
        assert!(matches!(entered, Entered::Waits { .. }), "it was empty in between");
    }
}

#[test]
fn a_line_that_is_empty_for_a_moment_still_stands() {
    let mut room = Room::new(2, 50, 50);
    room.crowd(0, 0, 0, 4);
    assert_eq!(reason(&room.enter_after(0, 0, 4, 1_000)), Some(Reason::Slow));
    assert_eq!((room.leave(0, 0), room.leave(0, 0)), (Some(2), Some(3)));
    assert_eq!(room.lines.waiting(), 0);
    for token in 5..7 {
        assert!(matches!(room.enter_after(0, 0, token, 1_090), Entered::Waits { .. }));
    }
    assert_eq!(reason(&room.enter_after(0, 0, 7, 1_091)), Some(Reason::Slow));
}

#[test]
fn whoever_would_be_served_too_late_is_not_let_in() {
    let mut room = Room::new(2, 50, 50);
    assert_eq!(room.enter(0, 0, 0), Entered::Now);
    assert_eq!(room.lines.leave(room.whose(0, 0), 1_000 * MS), None);
    room.crowd(0, 0, 1, 6);
    assert_eq!(room.lines.waiting(), 4, "two places and a second each: the fourth waits two");
    assert_eq!(reason(&room.enter(0, 0, 7)), Some(Reason::Slow));
}

#[test]
fn the_wait_that_is_told_is_of_how_long_places_were_held() {
    let mut room = Room::new(2, 2, 2);
    room.crowd(0, 0, 0, 1);
    room.leave(0, 0);
    room.crowd(0, 0, 1, 4);
    let Entered::Refused(busy) = room.enter(0, 0, 9) else { panic!("let in") };
    assert_eq!(busy, Busy { reason: Reason::Full, wait: 15 * MS });
    assert_eq!(room.lines.wait_of_all(), 15 * MS);
}

#[test]
fn whoever_leaves_is_not_served() {
    let mut room = Room::new(1, 8, 8);
    room.crowd(0, 0, 0, 1);
    let Entered::Waits { ticket, .. } = room.enter(0, 1, 1) else { panic!("not let in") };
    room.crowd(0, 0, 2, 1);
    room.lines.give_up(room.whose(0, 1), ticket);
    room.lines.give_up(room.whose(0, 1), ticket);
    assert_eq!((room.leave(0, 0), room.lines.waiting()), (Some(2), 0));
}

#[test]
fn counts_hold_whatever_happens() {
    let mut room = Room::new(3, 6, 4);
    let (mut held, mut tickets): (Vec<Whose>, Vec<(Whose, u64)>) = (Vec::new(), Vec::new());
    let chance = ibid_runtime::Chance::seeded(7);
    for step in 0..20_000_u32 {
        let whose = room.whose(chance.below(4) as usize, chance.below(3) as usize);
        match chance.below(8) {
            0..4 => match room.lines.enter(whose, step, room.start + step * MS) {
                Entered::Now => held.push(whose),
                Entered::Waits { ticket, .. } => tickets.push((whose, ticket)),
                Entered::Refused(_) => {}
            },
            4..7 if !held.is_empty() => {
                let left = held.swap_remove(chance.below(held.len() as u64) as usize);
                held.extend(room.lines.leave(left, 5 * MS).map(|(next, _)| next));
            }
            _ => {
                if let Some((whose, ticket)) = tickets.pop() {
                    room.lines.give_up(whose, ticket);
                }
            }
        }
        let shares = room.lines.shares.values();
        let waiting: usize = shares.clone().map(Share::waiting).sum();
        let running: usize = shares.map(|share| share.running).sum();
        assert_eq!((running, waiting), (held.len(), room.lines.waiting()));
        assert!(running <= 3 && waiting <= 6 && (waiting == 0 || running == 3), "step {step}");
    }
    for whose in held {
        let _ = room.lines.leave(whose, MS);
    }
}
