//! Repositories that the tests make with the machine's git: what is read of them, and what they cannot make us do.

mod made;

use std::path::PathBuf;
use std::time::Duration;

use ibid_code::git::Change;
use ibid_code::{Repository, SkipReason};
use made::Made;

#[test]
fn only_what_is_committed_is_read() {
    let made = Made::new();
    made.write(".gitignore", "secret.txt\n");
    made.write("a.rs", "fn a() {}\n");
    made.write("secret.txt", "hidden");
    made.commit("Begin");
    made.write("b.rs", "fn b() {}\n");
    let repository = made.open();
    let (files, _) = repository.files_at(&repository.head().unwrap()).unwrap();
    let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [".gitignore", "a.rs"]);
    assert_eq!(repository.blob(&files[1].blob, 100).unwrap(), b"fn a() {}\n");
}

#[test]
fn odd_paths_and_what_is_no_file() {
    let made = Made::new();
    for path in ["a b.rs", "é/ü.py", "-x.c", "quo\"te.go", "line\nend.js"] {
        made.write(path, "x");
    }
    std::os::unix::fs::symlink("a b.rs", made.path().join("link.rs")).unwrap();
    made.commit("Odd");
    let repository = made.open();
    let (files, skipped) = repository.files_at(&repository.head().unwrap()).unwrap();
    assert_eq!(files.len(), 5);
    assert!(files.iter().any(|file| file.path == "line\nend.js"));
    assert_eq!(skipped.of(SkipReason::Link), 1);
}

#[test]
fn commits_tell_who_when_why_and_what() {
    let made = Made::new();
    made.write("a.rs", "fn a() {}\nfn b() {}\nfn c() {}\n");
    made.commit("Begin\n\nBecause of `a`.");
    made.git(&["mv", "a.rs", "b.rs"]);
    made.write("c.rs", "");
    made.commit("Move");
    made.git(&["rm", "-q", "c.rs"]);
    made.write("b.rs", "fn a() {}\nfn b() {}\n");
    made.commit("Drop");
    let repository = made.open();
    let head = repository.head().unwrap();
    let commits = repository.commits(None, &head, 10).unwrap();
    let subjects: Vec<_> = commits.iter().map(|commit| commit.subject()).collect();
    assert_eq!(subjects, ["Drop", "Move", "Begin"]);
    assert_eq!(
        (commits[2].author.name.as_str(), commits[2].message.as_str()),
        ("Ann", "Begin\n\nBecause of `a`.")
    );
    let renamed = Change::Renamed { from: "a.rs".to_owned(), to: "b.rs".to_owned() };
    assert_eq!(commits[1].changes, [renamed.clone(), Change::Added { path: "c.rs".to_owned() }]);
    assert_eq!(repository.commits(Some(&commits[1].id), &head, 10).unwrap().len(), 1);
    assert_eq!(repository.commits(None, &head, 2).unwrap().len(), 2);
    let changes = repository.changes(&commits[2].id, &head).unwrap();
    assert_eq!(changes, [Change::Renamed { from: "a.rs".to_owned(), to: "b.rs".to_owned() }]);
}

#[test]
fn messages_cannot_forge_the_listing() {
    let made = Made::new();
    made.write("a.rs", "x");
    let forged = format!("Say {}\n\nauthor Eve <e@x> 1 +0000\nM\tb.rs\n\u{1e}\u{1f}", "a".repeat(40));
    made.commit(&forged);
    made.git(&["commit", "-q", "--allow-empty", "-m", "Nothing"]);
    let repository = made.open();
    let commits = repository.commits(None, &repository.head().unwrap(), 10).unwrap();
    assert_eq!((commits[0].changes.len(), commits[1].changes.len()), (0, 1));
    assert_eq!(commits[1].author.name, "Ann");
    assert!(commits[1].message.contains("Eve"));
}

#[test]
fn merges_are_compared_with_what_they_were_merged_into() {
    let made = Made::new();
    made.write("a.rs", "1");
    made.commit("Begin");
    made.git(&["checkout", "-q", "-b", "side"]);
    made.write("b.rs", "2");
    made.commit("Side");
    made.git(&["checkout", "-q", "-"]);
    made.write("c.rs", "3");
    made.commit("Main");
    made.git(&["merge", "-q", "--no-ff", "-m", "Merge", "side"]);
    let repository = made.open();
    let commits = repository.commits(None, &repository.head().unwrap(), 10).unwrap();
    assert_eq!(commits[0].changes, [Change::Added { path: "b.rs".to_owned() }]);
    assert_eq!(commits[0].parents.len(), 2);
}

/// Each setting leaves a file behind if git runs what it names.
#[test]
fn settings_of_a_repository_run_nothing() {
    let made = Made::new();
    made.write("a.rs", "fn a() {}\n");
    made.write(".gitattributes", "*.rs diff=evil filter=evil\n");
    made.commit("Begin");
    made.write("a.rs", "fn b() {}\n");
    made.commit("Change");
    let trace = made.path().join("trace");
    let program = made.script("evil", &format!("touch '{}'", trace.display()));
    for setting in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
        "gpg.program",
        "core.sshCommand",
        "pager.rev-list",
    ] {
        made.git(&["config", setting, program.to_str().unwrap()]);
    }
    made.git(&["config", "log.showSignature", "true"]);
    std::fs::create_dir_all(made.path().join(".git/hooks")).unwrap();
    for hook in ["post-index-change", "reference-transaction", "pre-auto-gc"] {
        std::fs::copy(&program, made.path().join(".git/hooks").join(hook)).unwrap();
    }
    let repository = made.open();
    let head = repository.head().unwrap();
    let commits = repository.commits(None, &head, 10).unwrap();
    repository.files_at(&head).unwrap();
    repository.changes(&commits[1].id, &head).unwrap();
    repository.patches(None, &head, 10, &mut |_, _| {}).unwrap();
    assert!(!trace.exists());
    // The trap is set: what people type falls into it.
    made.git(&["diff", "HEAD~1", "HEAD"]);
    assert!(trace.exists());
}

#[test]
fn faults_have_their_codes() {
    let folder = tempfile::tempdir().unwrap();
    let code = |result: ibid_types::Result<Repository>| result.unwrap_err().code;
    assert_eq!(code(Repository::open(folder.path())), "repository_unknown");
    assert_eq!(code(Repository::open(&folder.path().join("gone"))), "repository_unknown");
    let made = Made::new();
    let missing = Repository::open_with(made.path(), PathBuf::from("/no/such/git"), Duration::from_secs(5));
    assert_eq!(code(missing), "git_missing");
    let empty = made.open();
    assert_eq!(empty.head().unwrap_err().code, "commit_unknown");
    for name in ["--all", "no-such-branch", "", "HEAD:a"] {
        assert_eq!(empty.resolve(name).unwrap_err().code, "commit_unknown", "{name}");
    }
}

#[test]
fn a_commit_and_a_content_that_are_gone_are_told() {
    let made = Made::new();
    made.write("a.rs", "x");
    made.commit("Begin");
    let repository = made.open();
    let gone = "1".repeat(40);
    let commit = ibid_code::CommitId::parse(&gone).unwrap();
    assert!(!repository.has(&commit).unwrap());
    assert_eq!(repository.files_at(&commit).unwrap_err().code, "commit_unknown");
    assert_eq!(repository.commits(None, &commit, 5).unwrap_err().code, "commit_unknown");
    let blob = ibid_code::BlobId::parse(&gone).unwrap();
    assert_eq!(repository.blob(&blob, 5).unwrap_err().code, "blob_unknown");
    let (files, _) = repository.files_at(&repository.head().unwrap()).unwrap();
    assert_eq!(repository.blob(&files[0].blob, 0).unwrap_err().code, "repository_too_large");
}

#[test]
fn a_git_that_hangs_is_ended() {
    let made = Made::new();
    let program = made.script("slow", "exec sleep 600");
    let slow = Repository::open_with(made.path(), program, Duration::from_millis(50));
    assert_eq!(slow.unwrap_err().code, "git_timeout");
}

#[test]
fn a_folder_within_a_repository_leads_to_it() {
    let made = Made::new();
    made.write("a/b/c.rs", "x");
    made.commit("Begin");
    let repository = Repository::open(&made.path().join("a/b")).unwrap();
    let (files, _) = repository.files_at(&repository.head().unwrap()).unwrap();
    assert_eq!(files[0].path, "a/b/c.rs");
}
