//! A clock that jumps back and forward: every commit can still be restored, by its number exactly, by time never to a later state.
#![allow(clippy::unwrap_used)]

mod support;

use ibid_backup::{Moment, verify};
use ibid_runtime::Clock;
use ibid_types::Timestamp;
use support::{Home, keys, state_in};

const HOUR_MS: i64 = 3_600_000;

#[test]
fn a_clock_that_jumps_loses_no_commit() {
    let mut home = Home::new(keys());
    home.clock = Clock::manual(Timestamp(1000 * HOUR_MS));
    let library = home.open();
    library.base();
    let mut history = Vec::new();
    for (number, jump) in
        [0, 5_000, -HOUR_MS, 1_000, 48 * HOUR_MS, -72 * HOUR_MS, 1_000].into_iter().enumerate()
    {
        home.clock.advance_ms(jump);
        library.set("jump", &number.to_string());
        library.ship();
        history.push((library.backup.status().commit, library.state()));
        if number == 3 {
            library.base();
        }
    }
    let mut before = Timestamp(0);
    for (commit, state) in &history {
        let (folder, restored) = home.restore(Moment::Commit(*commit));
        assert_eq!((restored.commit, &state_in(folder.path())), (*commit, state));
        assert!(restored.at >= before, "times of commits never go back");
        before = restored.at;
    }
    // Up to the first jump time is what it seems; later states are not in it.
    let (folder, _) = home.restore(Moment::Time(Timestamp(1000 * HOUR_MS + 4_000)));
    assert_eq!(state_in(folder.path())[0].1, "0");
    let (folder, _) = home.restore(Moment::Latest);
    assert_eq!(state_in(folder.path()), history.last().unwrap().1);
    assert_eq!(verify(&home.destination(), &home.keys, &|_, _, _| ()).unwrap().damages, []);
    library.close();
    // The log goes on after a start at an earlier time than its end.
    let library = home.open();
    library.set("jump", "after");
    library.ship();
    let (folder, _) = home.restore(Moment::Latest);
    assert_eq!(state_in(folder.path()), library.state());
}
