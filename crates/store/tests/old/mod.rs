//! Databases as former versions of the program wrote them: the first migrations, and rows in every table that there was.

use std::path::Path;

use rusqlite::Connection;

/// Migrations as they were released, with their checksums: what was released is never changed.
pub const RELEASED: [(&str, &str, &str); 15] = [
    (
        "0001_ground",
        include_str!("../../src/migrations/0001_ground.sql"),
        "7772261bc9b6003cce565b0583c9bf231e9928fb81208328671a259c5b242207",
    ),
    (
        "0002_runs",
        include_str!("../../src/migrations/0002_runs.sql"),
        "22dac721948fc3bc8e66a15334d7ff0fe6ccb452b429d8799e170c5f49594691",
    ),
    (
        "0003_light_runs",
        include_str!("../../src/migrations/0003_light_runs.sql"),
        "da4e611cf54e58957dc96cf0e036d1c1a054f6b117406479bb78f11a823576fe",
    ),
    (
        "0004_operations",
        include_str!("../../src/migrations/0004_operations.sql"),
        "20a62894472fd85ed10600664004bb51c8b8864d3fa8e9a633589df653458463",
    ),
    (
        "0005_audit",
        include_str!("../../src/migrations/0005_audit.sql"),
        "ad22e1525c770cee82cf0f84cc4ac27d05c20a14a256f7b176316e16b775b256",
    ),
    (
        "0006_identity",
        include_str!("../../src/migrations/0006_identity.sql"),
        "d1f0dc080bbcba8ceacdf70e3b04387f3f26e648da1553b2a94d182b1497ed29",
    ),
    (
        "0007_factors",
        include_str!("../../src/migrations/0007_factors.sql"),
        "9401aa9b5f2a395f4f3e6fcc244871d0320cfb7a7899a8ae6221bfb98197f66b",
    ),
    (
        "0008_blocks",
        include_str!("../../src/migrations/0008_blocks.sql"),
        "7c9803c0636e909841008f8380505a9484c1b207d3ca15d87d3adf936400d6fc",
    ),
    (
        "0009_spend",
        include_str!("../../src/migrations/0009_spend.sql"),
        "576eefe8e6526c64cb8749660fc01fd1d8257487d9bf78dc9037d3c8919ce48e",
    ),
    (
        "0010_fair_jobs",
        include_str!("../../src/migrations/0010_fair_jobs.sql"),
        "6770cb003c4fb52a0049e5f690aa2708a2bf07e36004cff2e180a7d3836c8124",
    ),
    (
        "0011_kept_answers",
        include_str!("../../src/migrations/0011_kept_answers.sql"),
        "309a6b097d5a73eb5859768a457e648216cdc5010de8b1b1fc9bbecde7c49c3e",
    ),
    (
        "0012_quiet_timelines",
        include_str!("../../src/migrations/0012_quiet_timelines.sql"),
        "abe975f9b86377c92394cba2c3c6d35c7f60c3b84bb16465223023e609bb46fa",
    ),
    (
        "0013_session_factors",
        include_str!("../../src/migrations/0013_session_factors.sql"),
        "1590ac34d6004eb346b5ea95119388670d4b6a6891f0d27a8bb10717750b3815",
    ),
    (
        "0014_memory",
        include_str!("../../src/migrations/0014_memory.sql"),
        "509af7f93e6b1e265ec4803244463facd2c2b6c87d1803d3afe223046c52f549",
    ),
    (
        "0015_code",
        include_str!("../../src/migrations/0015_code.sql"),
        "90756d81c9b0746965e11994feffb67c40299ac7d1371e67c0b37e2f190ade53",
    ),
];

/// Since the first migration: a workspace with one document of one chunk, what waits, what is configured.
const GROUND: &str = "
    INSERT INTO workspaces VALUES (x'01010101010101010101010101010101', 'legal', 1);
    INSERT INTO documents VALUES (x'02020202020202020202020202020202', x'01010101010101010101010101010101', 'lease.txt', 'ready',
      x'03030303030303030303030303030303', 'Lease', 'Ada', 'en', '[\"rent\"]', 2, 2, 3, NULL);
    INSERT INTO versions VALUES (x'03030303030303030303030303030303', x'02020202020202020202020202020202', 1, 'ready', zeroblob(32), 13,
      'text/plain', 1, 13, NULL, '[]', NULL, NULL, NULL, 2);
    INSERT INTO signatures VALUES (x'02020202020202020202020202020202', x'01010101010101010101010101010101', 0, 7, 7);
    INSERT INTO chunks VALUES (x'04040404040404040404040404040404', x'02020202020202020202020202020202', x'03030303030303030303030303030303',
      0, 0, 13, 0, '[]', '[]', 'text', 3, 'rent is 9 €');
    INSERT INTO embeddings VALUES (x'04040404040404040404040404040404', 'm', x'0038003c');
    INSERT INTO feed VALUES (41, x'01010101010101010101010101010101', 'document', x'02020202020202020202020202020202');
    INSERT INTO jobs VALUES (x'05050505050505050505050505050505', 'ingest', 'done', x'01010101010101010101010101010101',
      x'02020202020202020202020202020202', 'lease.txt', 'b', '{}', NULL, '{}', NULL, NULL, 1, 5, 1, NULL, NULL, NULL, 1, 2);
    INSERT INTO keys VALUES (x'06060606060606060606060606060606', 'ci', 'ibid_', zeroblob(32), 1, NULL, NULL);
    INSERT INTO settings VALUES ('embedder', '{}');";

/// Since the second: a thread with one turn, whose run ended.
const RUNS: &str = "
    INSERT INTO flows VALUES (zeroblob(32), 'chat', 'name: chat', 1);
    INSERT INTO flow_names VALUES ('chat', 1, zeroblob(32));
    INSERT INTO runs VALUES (x'07070707070707070707070707070707', x'01010101010101010101010101010101', zeroblob(32), 'chat', 'finished', 'key',
      x'08080808080808080808080808080808', NULL, NULL, NULL, 0, NULL, NULL, NULL, 4, 5, 5, NULL);
    INSERT INTO checkpoints VALUES (x'07070707070707070707070707070707', 0, 4, 'start', NULL, x'00ff');
    INSERT INTO flow_values VALUES (zeroblob(32), x'aa');
    INSERT INTO run_values VALUES (x'07070707070707070707070707070707', zeroblob(32));
    INSERT INTO threads VALUES (x'08080808080808080808080808080808', x'01010101010101010101010101010101', 'Rent', NULL, 4, 5, NULL);
    INSERT INTO turns VALUES (x'09090909090909090909090909090909', x'08080808080808080808080808080808', 1, x'07070707070707070707070707070707',
      'What is the rent?', '{}', 'finished', '{\"text\":\"9\"}', NULL, NULL, 4, 5);
    INSERT INTO feedback VALUES (x'07070707070707070707070707070707', x'01010101010101010101010101010101', 1, 'good', NULL, 6);";

/// Since the fourth.
const OPERATIONS: &str = "
    INSERT INTO alerts VALUES (1, 'slow', '', 'warning', 'it is slow', 'slow-answers', 2.5, 1, 2, 3, NULL, NULL, '{}', 1);
    INSERT INTO silences VALUES (1, 'slow', '', 'known', 'ada', 1, 2);
    INSERT INTO incidents VALUES (1, 2, 'it is slow', 'closed', 'slow', 'slow-answers', '{}', NULL, 1, NULL, NULL, NULL, 2, 3);
    INSERT INTO incident_events VALUES (1, 1, 1, 'opened', 'ada', 'it is slow');";

/// Since the fifth.
const AUDIT: &str = "INSERT INTO audit VALUES (1, 2, 'server', 'server.started', '0.1.0', zeroblob(32));";

/// Since the sixth: somebody who is in a group that may all, and signed in.
const IDENTITY: &str = "
    INSERT INTO users (id, name, created_at) VALUES (x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 'ada', 1);
    INSERT INTO user_groups VALUES (x'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 'office', 1);
    INSERT INTO group_members VALUES (x'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a');
    INSERT INTO grants VALUES ('group', x'0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', zeroblob(16), 'owner', 1);
    INSERT INTO sessions VALUES (x'0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', zeroblob(32), NULL, '127.0.0.1',
      'a browser', 1, 1, 1, 9999999999999, NULL);
    INSERT INTO sign_in_links VALUES (zeroblob(32), NULL, 9999999999999);";

/// Since the seventh: a passkey, an account at a provider, keys that sign.
const FACTORS: &str = "
    INSERT INTO passkeys VALUES (x'0d0d', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 'telephone', '{}', 1, NULL);
    INSERT INTO identities VALUES ('https://login.example', '7', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 1);
    INSERT INTO signing_keys VALUES (x'00', '[]');
    UPDATE documents SET readers = 'user:0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a';";

/// Since the eighth: an address that guessed.
const BLOCKS: &str = "INSERT INTO blocks VALUES ('192.0.2.7', 'it guessed', 'server', 1, NULL);";

/// Since the ninth: a day of a model.
const SPEND: &str = "INSERT INTO spend VALUES (20000, zeroblob(16), '', 'small', 1, 7, 5, 13500);";

/// Since the eleventh: an answer from the lease.
const KEPT: &str = "
    INSERT INTO kept_answers VALUES (x'0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', x'01010101010101010101010101010101', zeroblob(32), zeroblob(32),
      x'07070707070707070707070707070707', 'What is the rent?', '{}', 5, 6);
    INSERT INTO kept_passages VALUES (x'0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e', x'04040404040404040404040404040404',
      x'02020202020202020202020202020202');";

/// Since the thirteenth: the session was begun with a second factor.
const SESSION_FACTORS: &str = "UPDATE sessions SET second_factor = 1;";

/// Since the fourteenth: a note, whom it is about, and what it says.
const MEMORY: &str = r#"
    INSERT INTO episodes VALUES (x'11111111111111111111111111111111', x'01010101010101010101010101010101', 'machine', 'note', NULL, NULL,
      NULL, 1, 1, 0.5, NULL, '{"text": "Ada lives in Paris."}');
    INSERT INTO entities VALUES (x'12121212121212121212121212121212', x'01010101010101010101010101010101', 'machine', 'person', 1,
      '{"name": "Ada"}');
    INSERT INTO facts VALUES (x'13131313131313131313131313131313', x'14141414141414141414141414141414', x'01010101010101010101010101010101',
      'machine', 'fact', zeroblob(16), x'12121212121212121212121212121212', NULL, 1, NULL, 1, NULL, 'recorded', NULL, 1.0, 0.5, 'personal',
      NULL, '{"relation": "LIVE_IN", "object": "Paris", "statement": "Ada lives in Paris."}');
    INSERT INTO fact_sources VALUES (x'14141414141414141414141414141414', x'11111111111111111111111111111111', 0, 19);
    INSERT INTO memory_vectors VALUES (x'14141414141414141414141414141414', 'words', x'003c');
    INSERT INTO memory_uses VALUES (x'14141414141414141414141414141414', 1, 2);
    INSERT INTO consents VALUES ('machine', 'on', 1);
    INSERT INTO receipts VALUES (x'15151515151515151515151515151515', x'01010101010101010101010101010101', 'machine', 1, '{}', 'x');"#;

/// Since the fifteenth: a repository of which one update is known.
const CODE: &str = "
    INSERT INTO code_segments VALUES (x'16161616161616161616161616161616', x'01010101010101010101010101010101',
      x'17171717171717171717171717171717', 1, 1, 2, '{}');";

/// What each migration made room for.
const ROWS: [&str; 15] = [
    GROUND,
    RUNS,
    "",
    OPERATIONS,
    AUDIT,
    IDENTITY,
    FACTORS,
    BLOCKS,
    SPEND,
    "",
    KEPT,
    "",
    SESSION_FACTORS,
    MEMORY,
    CODE,
];

/// A database that the program wrote when it had the first `count` migrations.
pub fn database(path: &Path, count: usize) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA journal_mode=WAL").unwrap();
    connection
        .execute_batch("CREATE TABLE migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL)")
        .unwrap();
    for ((name, sql, checksum), rows) in RELEASED.iter().zip(ROWS).take(count) {
        connection.execute_batch(sql).unwrap();
        connection.execute("INSERT INTO migrations VALUES (?1, ?2)", [name, checksum]).unwrap();
        connection.execute_batch(rows).unwrap();
    }
}
