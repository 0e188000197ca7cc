//! Users, sessions, links, keys and what is granted to them.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ibid_runtime::Clock;
use ibid_store::{Sqlite, SqliteConfig, Store, Totp, User};
use ibid_types::access::{Granted, Holder, Permission, Readable, Reader, Role};
use ibid_types::{Secret, Timestamp, WorkspaceId};

const DAY_MS: i64 = 24 * 3_600_000;
const EVERYWHERE: Granted = Granted { role: Role::Reader, workspace: None };

struct Fixture {
    store: Store,
    clock: Clock,
    ada: User,
    _dir: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let db = Arc::new(Sqlite::open(SqliteConfig::new(dir.path().join("ibid.db"))).unwrap());
    let clock = Clock::manual(Timestamp(1_000_000));
    let store = Store::new(db, clock.clone());
    let ada = store.user_create("ada", Some("hash")).unwrap();
    Fixture { store, clock, ada, _dir: dir }
}

impl Fixture {
    fn sign_in(&self) -> String {
        self.store.session_begin(self.ada.id, "127.0.0.1", "a browser", false).unwrap().1.reveal().to_owned()
    }

    fn is_in(&self, secret: &str) -> bool {
        self.store.session_verify(secret).unwrap().is_some()
    }

    fn later(&self, ms: i64) {
        self.clock.advance_ms(ms);
    }
}

#[test]
fn a_key_is_known_until_it_is_revoked_or_over() {
    let f = fixture();
    let (key, secret) =
        f.store.key_create("laptop", EVERYWHERE, Some(f.clock.now().plus_ms(DAY_MS))).unwrap();
    assert!(secret.reveal().starts_with(&key.prefix));
    assert_eq!(f.store.key_verify(secret.reveal()).unwrap().unwrap().id, key.id);
    assert!(f.store.key_verify("ibid_other").unwrap().is_none());
    f.later(DAY_MS);
    assert!(f.store.key_verify(secret.reveal()).unwrap().is_none());
    f.store.key_revoke(key.id).unwrap();
    assert_eq!(f.store.key_revoke(key.id).unwrap_err().code, "key_unknown");
    assert!(f.store.grant_list().unwrap().is_empty(), "its role goes with it");
}

#[test]
fn what_is_known_of_a_key_ends_with_any_change_of_it() {
    let f = fixture();
    let over = Some(f.clock.now().plus_ms(DAY_MS));
    let (key, secret) = f.store.key_create("laptop", EVERYWHERE, over).unwrap();
    let (holder, secret) = (Holder::Key(key.id), secret.reveal());
    let admitted = || f.store.key_admit(secret).unwrap().map(|(_, rights)| rights.granted);
    assert!(f.store.key_known(secret).is_none(), "nobody asked before");
    assert_eq!(admitted(), Some(vec![EVERYWHERE]));
    assert_eq!(f.store.key_known(secret).unwrap().1.granted, [EVERYWHERE]);
    let editor = Granted { role: Role::Editor, workspace: None };
    f.store.grant_set(holder, editor).unwrap();
    assert!(f.store.key_known(secret).is_none());
    assert_eq!(admitted(), Some(vec![editor]));
    f.later(2 * 60_000);
    assert!(f.store.key_known(secret).is_none(), "its use is to be noted");
    assert_eq!(admitted(), Some(vec![editor]));
    assert_eq!(f.store.key_list().unwrap()[0].last_used_at, Some(f.clock.now()));
    f.later(DAY_MS);
    assert!(f.store.key_known(secret).is_none() && admitted().is_none(), "it is over");
}

#[test]
fn a_key_that_is_revoked_is_not_known_any_more() {
    let f = fixture();
    let (key, secret) = f.store.key_create("laptop", EVERYWHERE, None).unwrap();
    let secret = secret.reveal();
    assert!(f.store.key_admit(secret).unwrap().is_some() && f.store.key_known(secret).is_some());
    f.store.key_revoke(key.id).unwrap();
    assert!(f.store.key_known(secret).is_none() && f.store.key_admit(secret).unwrap().is_none());
}

#[test]
fn a_workspace_that_is_deleted_is_not_known_any_more() {
    let f = fixture();
    let legal = f.store.workspace_ensure("legal").unwrap();
    assert_eq!(f.store.workspace_known("legal"), Some(legal.clone()));
    let other = f.store.clone();
    other.workspace_delete(legal.id).unwrap();
    assert_eq!(f.store.workspace_known("legal"), None);
    assert_eq!(f.store.workspace_find("legal").unwrap(), None);
}

#[test]
fn a_session_ends_when_it_is_said_idle_or_old() {
    let f = fixture();
    let secret = f.sign_in();
    assert!(f.is_in(&secret) && !f.is_in("other"));
    let session = f.store.session_list(Some(f.ada.id)).unwrap().remove(0);
    f.store.session_end(f.ada.id, session.id).unwrap();
    assert!(!f.is_in(&secret));
    let idle = f.sign_in();
    f.later(7 * DAY_MS);
    assert!(!f.is_in(&idle) && f.store.session_list(None).unwrap().is_empty());
    f.store.sessions_cleanup().unwrap();
}

#[test]
fn a_session_that_is_used_is_renewed_and_the_former_secret_ends() {
    let f = fixture();
    let first = f.sign_in();
    f.later(DAY_MS);
    let second = f.store.session_verify(&first).unwrap().unwrap().1.unwrap().reveal().to_owned();
    assert!(f.store.session_verify(&first).unwrap().unwrap().1.is_none(), "renewed once");
    assert!(f.is_in(&first) && f.is_in(&second), "requests on their way still come with the former one");
    f.later(60_000);
    assert!(!f.is_in(&first) && f.is_in(&second));
    let mut last = second;
    for _ in 0..40 {
        f.later(DAY_MS);
        match f.store.session_verify(&last).unwrap() {
            Some((_, renewed)) => last = renewed.unwrap().reveal().to_owned(),
            None => {
                let age = (f.clock.now().0 - 1_000_000) / DAY_MS;
                assert!((29..=31).contains(&age), "{age}");
                return;
            }
        }
    }
    unreachable!("no session lasts for ever");
}

#[test]
fn whoever_is_kept_out_is_signed_out_at_once() {
    let f = fixture();
    let changes: [fn(&Fixture); 4] = [
        |f| f.store.user_disable(f.ada.id, true).unwrap(),
        |f| f.store.user_password(f.ada.id, "other").unwrap(),
        |f| f.store.sessions_end(None).unwrap(),
        |f| f.store.user_delete(f.ada.id).unwrap(),
    ];
    for change in changes {
        f.store.user_disable(f.ada.id, false).unwrap();
        let secret = f.sign_in();
        assert!(f.is_in(&secret));
        change(&f);
        assert!(!f.is_in(&secret));
    }
    assert!(f.store.user_named("ada").unwrap().is_none());
    let again = f.store.user_create("ada", None).unwrap();
    assert_ne!(again.id, f.ada.id, "a name can be given again; nothing of the former account comes back");
    assert!(f.store.rights_of(Holder::User(again.id)).unwrap().granted.is_empty());
}

#[test]
fn a_link_works_once_and_the_newest_only() {
    let f = fixture();
    let (former, _) = f.store.link_make(Some(f.ada.id)).unwrap();
    let (link, until) = f.store.link_make(Some(f.ada.id)).unwrap();
    assert_eq!(f.store.link_find(former.reveal()).unwrap(), None);
    assert_eq!(f.store.link_find(link.reveal()).unwrap(), Some(Some(f.ada.id)));
    f.store.link_use(link.reveal()).unwrap();
    assert_eq!(f.store.link_use(link.reveal()).unwrap_err().code, "link_over");
    let (first, _) = f.store.link_make(None).unwrap();
    assert_eq!(f.store.link_find(first.reveal()).unwrap(), Some(None));
    f.later(until.0 - f.clock.now().0);
    assert_eq!(f.store.link_find(first.reveal()).unwrap(), None);
}

#[test]
fn groups_pass_on_what_they_have() {
    let f = fixture();
    let (here, holder) = (WorkspaceId::new(), Holder::User(f.ada.id));
    let may = |permission| f.store.rights_of(holder).unwrap().may_in(here, permission);
    let office = f.store.group_create("office").unwrap();
    f.store
        .grant_set(Holder::Group(office.id), Granted { role: Role::Editor, workspace: Some(here) })
        .unwrap();
    assert!(!may(Permission::Read));
    f.store.group_member(office.id, f.ada.id, true).unwrap();
    f.store.group_member(office.id, f.ada.id, true).unwrap();
    assert!(may(Permission::Edit));
    assert_eq!(f.store.group_list().unwrap()[0].members, [f.ada.id]);
    f.store.group_member(office.id, f.ada.id, false).unwrap();
    assert!(!may(Permission::Edit));
    f.store.group_member(office.id, f.ada.id, true).unwrap();
    f.store.group_delete(office.id).unwrap();
    assert!(!may(Permission::Edit) && f.store.grant_list().unwrap().is_empty());
    assert_eq!(f.store.group_delete(office.id).unwrap_err().code, "group_unknown");
}

#[test]
fn a_holder_has_one_role_in_a_place() {
    let f = fixture();
    let holder = Holder::User(f.ada.id);
    let (owner, reader) = (Granted { role: Role::Owner, workspace: None }, EVERYWHERE);
    f.store.grant_set(holder, reader).unwrap();
    f.store.grant_set(holder, owner).unwrap();
    assert_eq!(f.store.rights_of(holder).unwrap().granted, [owner]);
    assert!(!f.store.has_other_owner(holder).unwrap());
    let eve = f.store.user_create("eve", None).unwrap();
    f.store.grant_set(Holder::User(eve.id), owner).unwrap();
    assert!(f.store.has_other_owner(holder).unwrap());
    f.store.user_disable(eve.id, true).unwrap();
    assert!(!f.store.has_other_owner(holder).unwrap());
    f.store.grant_end(holder, None).unwrap();
    assert_eq!(f.store.grant_end(holder, None).unwrap_err().code, "grant_unknown");
}

#[test]
fn names_are_taken_once() {
    let f = fixture();
    assert_eq!(f.store.user_create("ada", None).unwrap_err().code, "user_exists");
    let _ = f.store.group_create("office").unwrap();
    assert_eq!(f.store.group_create("office").unwrap_err().code, "group_exists");
}

#[test]
fn a_code_of_an_app_counts_once() {
    let f = fixture();
    let totp = Totp { secret: Secret::new("k3 mq".to_owned()), step_used: 7 };
    f.store.totp_set(f.ada.id, Some(&totp)).unwrap();
    assert!(f.store.user_find(f.ada.id).unwrap().unwrap().has_second_factor());
    assert_eq!(f.store.totp(f.ada.id).unwrap().unwrap().secret.reveal(), "k3 mq");
    assert!(!f.store.totp_use(f.ada.id, 7).unwrap());
    assert!(f.store.totp_use(f.ada.id, 8).unwrap() && !f.store.totp_use(f.ada.id, 8).unwrap());
}

#[test]
fn recovery_codes_go_with_the_last_factor() {
    let f = fixture();
    f.store.totp_set(f.ada.id, Some(&Totp { secret: Secret::new("x".to_owned()), step_used: 0 })).unwrap();
    f.store.passkey_add(f.ada.id, b"key", "telephone", "{}").unwrap();
    assert!(f.store.recovery_set(f.ada.id, "[]", "[1]").unwrap());
    assert!(!f.store.recovery_set(f.ada.id, "[]", "[2]").unwrap(), "somebody else was faster");
    f.store.totp_set(f.ada.id, None).unwrap();
    assert_eq!(f.store.recovery(f.ada.id).unwrap(), "[1]");
    f.store.passkey_remove(f.ada.id, b"key").unwrap();
    assert_eq!(f.store.recovery(f.ada.id).unwrap(), "[]");
    assert!(!f.store.user_find(f.ada.id).unwrap().unwrap().has_second_factor());
}

#[test]
fn a_passkey_is_one_persons_and_each_use_is_noted_once() {
    let f = fixture();
    let bob = f.store.user_create("bob", None).unwrap();
    f.store.passkey_add(f.ada.id, b"key", "telephone", "1").unwrap();
    assert_eq!(f.store.passkey_add(bob.id, b"key", "mine", "1").unwrap_err().code, "passkey_exists");
    assert_eq!(f.store.passkey_remove(bob.id, b"key").unwrap_err().code, "passkey_unknown");
    assert!(
        f.store.passkey_use(b"key", "1", "2").unwrap() && !f.store.passkey_use(b"key", "1", "2").unwrap()
    );
    assert_eq!(f.store.passkey_find(b"key").unwrap().unwrap().passkey, "2");
    f.store.factors_remove(f.ada.id).unwrap();
    assert!(f.store.passkey_list(f.ada.id).unwrap().is_empty());
}

#[test]
fn an_account_at_a_provider_is_one_persons() {
    let f = fixture();
    let bob = f.store.user_create("bob", None).unwrap();
    f.store.identity_add("https://a", "7", f.ada.id).unwrap();
    assert_eq!(f.store.identity_add("https://a", "7", bob.id).unwrap_err().code, "identity_exists");
    assert_eq!(f.store.identity_find("https://a", "7").unwrap(), Some(f.ada.id));
    assert_eq!(f.store.identity_find("https://b", "7").unwrap(), None);
    f.store.user_delete(f.ada.id).unwrap();
    assert_eq!(f.store.identity_find("https://a", "7").unwrap(), None);
}

#[test]
fn a_list_decides_who_reads_and_administrators_decide_about_lists() {
    let f = fixture();
    let here = f.store.workspace_ensure("default").unwrap().id;
    let bob = f.store.user_create("bob", None).unwrap().id;
    let office = f.store.group_create("office").unwrap().id;
    let reads = |user| f.store.readable(here, Reader::Holder(Holder::User(user))).unwrap();
    assert_eq!(reads(f.ada.id), Readable::Nothing, "without a role");
    f.store.grant_set(Holder::User(f.ada.id), EVERYWHERE).unwrap();
    f.store.group_member(office, f.ada.id, true).unwrap();
    assert!(reads(f.ada.id).holds(&[Holder::Group(office)]));
    assert!(!reads(f.ada.id).holds(&[Holder::User(bob)]) && reads(f.ada.id).holds(&[]));
    f.store.group_member(office, f.ada.id, false).unwrap();
    assert!(!reads(f.ada.id).holds(&[Holder::Group(office)]), "at once");
    let admin = Granted { role: Role::Admin, workspace: Some(here) };
    f.store.grant_set(Holder::User(bob), admin).unwrap();
    assert_eq!(reads(bob), Readable::All);
    assert_eq!(f.store.readable(here, Reader::Nobody).unwrap(), Readable::Nothing);
    assert_eq!(f.store.readable(here, Reader::Machine).unwrap(), Readable::All);
}
