//! Faults that are put in, and the runbooks that find and mend them, through the real program.
//!
//! Keeps true: every runbook that comes with the program is carried out against its fault: the diagnosis does not apply
//! before, applies with it, and what is verified afterwards holds.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod ground;
mod service;
mod support;

use std::path::Path;

use ibid_testkit::{Authority, MailServer, Security};

use crate::support::{data, library};

/// Makes a test of each fault, and the list of the runbooks that have one.
macro_rules! faults {
    ($($room:ident::$test:ident heals $name:literal;)*) => {
        $(
            #[test]
            fn $test() {
                $room::$test();
            }
        )*
        const HEALED: &[&str] = &[$($name),*];
    };
}

faults! {
    service::attack_or_abuse heals "attack-or-abuse";
    service::authentication_bypass heals "authentication-bypass";
    ground::backup_failed heals "backup-failed";
    ground::bad_answers heals "bad-answers";
    ground::bad_release heals "bad-release";
    service::certificate_expiring heals "certificate-expiring";
    ground::database_locked heals "database-locked";
    ground::disk_full heals "disk-full";
    service::high_error_rate heals "high-error-rate";
    ground::index_damaged heals "index-damaged";
    ground::lost_machine heals "lost-machine";
    ground::memory_behind heals "memory-behind";
    ground::out_of_memory heals "out-of-memory";
    service::provider_down heals "provider-down";
    service::secret_leaked heals "secret-leaked";
    service::service_down heals "service-down";
    service::slow_answers heals "slow-answers";
    ground::store_damaged heals "store-damaged";
}

#[test]
fn every_runbook_has_a_fault_that_it_mends() {
    let known: Vec<&str> = ibid_ops::runbook::builtin().map(|(name, _)| name).collect();
    assert_eq!(known, HEALED);
}

#[test]
fn a_sound_library_has_no_problem_in_its_store() {
    let home = library();
    let said = home.ok(&["doctor", "--only", "store,disk,permissions,clock", "--json"]);
    let findings = said.json();
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["state"] == "ok"), "{findings}");
    assert_eq!(home.run(&["doctor", "--only", "colour"]).code, 2);
}

#[test]
fn a_lost_original_is_seen_by_whoever_looks_closely() {
    let home = library();
    let _ = home.write("tea.md", "# Tea\n\nThe water boils at 96 degrees in the hut.\n");
    drop(home.ok(&["ingest", &home.files()]));
    assert_eq!(home.run(&["doctor", "--only", "blobs"]).code, 0);
    std::fs::remove_dir_all(data(&home).join("blobs")).unwrap();
    assert!(home.run(&["doctor", "--only", "blobs"]).out.contains("[blob_missing]"));
    assert!(!home.run(&["doctor", "--only", "blobs", "--quick"]).out.contains("[blob_missing]"));
}

#[test]
fn a_runbook_is_written_into_its_incident() {
    let home = library();
    let opened = home.ok(&["incidents", "open", "smoke", "--priority", "1", "--json"]).json();
    assert_eq!((&opened["number"], &opened["state"]), (&1.into(), &"open".into()));
    drop(home.ok(&["incidents", "take", "1", "--by", "ada"]));
    drop(home.ok(&["runbook", "run", "database-locked", "--yes", "--incident", "1"]));
    drop(home.ok(&["incidents", "close", "1"]));
    let shown = home.ok(&["incidents", "show", "1", "--json"]).json();
    let events = shown["events"].as_array().unwrap();
    let steps: Vec<_> = events.iter().filter(|event| event["kind"] == "runbook").collect();
    assert!(steps.len() >= 5, "{events:?}");
    assert!(home.ok(&["incidents", "review", "1"]).out.contains("# Incident 1: smoke"));
}

#[test]
fn own_runbooks_are_found_and_unverified_ones_end_with_6() {
    let home = library();
    let folder = data(&home).join("runbooks");
    std::fs::create_dir(&folder).unwrap();
    let text = "# Own\n```runbook\nkind: verify\nrun: ibid config show\nexpect: no such line\n```\n";
    std::fs::write(folder.join("own.md"), text).unwrap();
    assert!(home.ok(&["runbook", "list"]).out.contains("own "));
    assert_eq!(home.run(&["runbook", "run", "own"]).code, 6);
    assert_eq!(home.run(&["runbook", "run", "none"]).code, 4);
}

#[test]
fn alerts_objectives_and_silences_from_the_command_line() {
    let home = library();
    assert!(home.ok(&["alerts", "rules"]).out.contains("slo-availability-fast"));
    assert!(home.ok(&["alerts", "rules", "--prometheus"]).out.contains("alert: disk-full-soon"));
    assert!(home.ok(&["slo"]).out.contains("availability"));
    drop(home.ok(&["alerts", "silence", "disk-*", "--reason", "new disk"]));
    assert!(home.ok(&["alerts", "list"]).out.contains("new disk"));
    drop(home.ok(&["alerts", "unsilence", "1"]));
    assert_eq!(home.run(&["alerts", "silence", "no-such-rule"]).code, 4);
    assert_eq!(home.run(&["alerts", "test"]).code, 2);
}

#[test]
fn mail_goes_over_tls_to_a_server_that_is_trusted() {
    let (home, authority) = (library(), Authority::default());
    let trusted = authority.file(home.path());
    let config = authority.server(90);
    for (word, security) in [("tls", Security::Tls(config.clone())), ("starttls", Security::StartTls(config))]
    {
        let server = MailServer::secured(&security);
        let receiver = format!(
            "notify.receivers=[{{ name='m', kind='email', smtp='localhost:{}', security='{word}', from='a@b.example', to=['c@d.example'] }}]",
            server.address.port()
        );
        let sent = |trust: &Path| {
            let mut command = home.command(&["--set", &receiver, "alerts", "test"]);
            command.env("SSL_CERT_FILE", trust).output().unwrap().status.success()
        };
        assert!(!sent(&home.write("nobody.pem", "")) && server.mails().is_empty(), "{word}");
        assert!(sent(&trusted), "{word}");
        assert!(server.mails()[0].contains("c@d.example"), "{word}");
    }
}
