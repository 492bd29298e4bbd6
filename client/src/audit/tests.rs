use holdfast_formats::entry::{Entry, EntryPayload};
use holdfast_formats::envelope::Base64Bytes;
use holdfast_formats::key::SigningKey;
use holdfast_formats::statement::Freeze;
use holdfast_formats::tree::LeafIndex;
use holdfast_formats::wire::v1::{ExitCode, LoggedEntry};

use super::decode::{Piece, Signatures, decode};
use super::replay::{Attachments, Group};
use super::*;
use crate::test_log::{TestLog, user};

fn freeze() -> Freeze {
    Freeze { channel: "shop/prod".parse().unwrap(), reason: "incident".parse().unwrap(), until: None }
}

/// Policy 1 and a freeze.
fn honest() -> TestLog {
    let mut log = TestLog::new();
    log.push(freeze(), &user());
    log
}

/// A state on disk that is judged into.
struct World {
    opened: Option<Opened>,
    folder: tempfile::TempDir,
    replay: Option<Replay>,
    log: TestLog,
}

impl World {
    fn new(log: &TestLog) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self { opened: None, folder, replay: None, log: log.clone() };
        world.open(TreeSize::ZERO);
        world
    }

    /// Opens what is kept, as the next audit does.
    fn open(&mut self, from: TreeSize) -> Option<String> {
        (self.opened, self.replay) = (None, None);
        let mut opened = Kept::open(&self.folder.path().join("audit")).unwrap();
        let (position, findings) = (opened.position.clone(), std::mem::take(&mut opened.findings));
        let discarded = opened.discarded.take();
        self.replay = Some(Replay::new(self.log.trust("http://127.0.0.1:1"), from, position, findings));
        self.opened = Some(opened);
        discarded
    }

    fn replay(&mut self) -> &mut Replay {
        self.replay.as_mut().unwrap()
    }

    /// Judges entries in one transaction.
    fn judge(&mut self, entries: &[LoggedEntry], how: Signatures) {
        let keys = self.replay().at_hand().get();
        let entries = entries.iter().map(|logged| decode(&logged.entry.0, None, &keys, how)).collect();
        let group = Group {
            pieces: vec![Piece::page(entries)],
            attachments: Attachments::new(),
            findings: Vec::new(),
        };
        let kept = &self.opened.as_ref().unwrap().kept;
        self.replay.as_mut().unwrap().group(kept, group, true).unwrap();
    }

    fn indices(&mut self) -> Vec<Option<u64>> {
        self.replay().findings().0.iter().map(|finding| finding.index.map(LeafIndex::get)).collect()
    }
}

fn judged(entries: &[LoggedEntry], log: &TestLog) -> World {
    let mut world = World::new(log);
    world.judge(entries, Signatures::Verify);
    world
}

#[test]
fn an_honest_log_has_no_findings() {
    let log = honest();
    let mut world = judged(&log.entries(), &log);
    assert_eq!(world.indices(), []);
    assert_eq!(world.replay().size().get(), 2);
    assert!(world.replay().position().anchored);
}

#[test]
fn t32_an_entry_that_the_rule_book_refuses_is_found_and_the_replay_goes_on() {
    let mut log = TestLog::new();
    log.push(freeze(), &SigningKey::from_seed([66; 32]));
    log.push(freeze(), &user());
    let mut world = judged(&log.entries(), &log);
    assert_eq!(world.indices(), [Some(1)]);
    assert_eq!(world.replay().size().get(), 3);
    // It is reported for ever: also by an audit that goes on behind it.
    assert_eq!(world.open(TreeSize::ZERO), None);
    assert_eq!((world.indices(), world.replay().size().get()), (vec![Some(1)], 3));
}

#[test]
fn t32_a_payload_changed_after_it_was_signed_is_found() {
    let log = honest();
    let mut entries = log.entries();
    let mut forged = Entry::parse(&entries[1].entry.0).unwrap();
    if let EntryPayload::Inline(bytes) = &mut forged.payload {
        *bytes = String::from_utf8(bytes.clone()).unwrap().replace("incident", "accident").into_bytes();
    }
    entries[1].entry = Base64Bytes(forged.encode().unwrap());
    // Once with the key at hand, once with a signature that is verified only when it is judged.
    let mut world = judged(&entries, &log);
    assert_eq!(world.indices(), [Some(1)]);
    let mut world = judged(&entries[..1], &log);
    world.judge(&entries[1..], Signatures::Verify);
    assert_eq!(world.replay().findings().0[0].kind, FindingKind::Signature);
    let mut world = judged(&entries[..1], &log);
    world.judge(&entries[1..], Signatures::Skip);
    assert_eq!(
        world.replay().findings().0[0].kind,
        FindingKind::Signature,
        "what was not verified ahead is now"
    );
}

#[test]
fn t18_an_entry_that_is_logged_twice_is_found_also_by_an_audit_that_goes_on() {
    let log = honest();
    let again = log.entries().pop().unwrap();
    let mut world = judged(&log.entries(), &log);
    world.open(TreeSize::ZERO);
    world.judge(std::slice::from_ref(&again), Signatures::Verify);
    assert_eq!(world.indices(), [Some(2)]);
}

#[test]
fn a_leaf_that_is_no_entry_is_found_and_keeps_its_place() {
    let log = honest();
    let mut entries = log.entries();
    entries[0].entry = Base64Bytes(b"no entry".to_vec());
    let mut world = judged(&entries, &log);
    assert_eq!(world.indices(), [Some(0), Some(1)], "without a policy nothing else is accepted either");
    assert_eq!(world.replay().size().get(), 2);
}

#[test]
fn entries_that_are_taken_on_trust_are_replayed_and_nothing_about_them_is_reported() {
    let mut log = TestLog::new();
    log.push(freeze(), &SigningKey::from_seed([66; 32]));
    log.push(freeze(), &user());
    log.push(freeze(), &SigningKey::from_seed([66; 32]));
    let mut world = World::new(&log);
    world.open(TreeSize::new(2).unwrap());
    world.judge(&log.entries()[..2], Signatures::Skip);
    world.judge(&log.entries()[2..], Signatures::Verify);
    assert_eq!(world.indices(), [Some(3)]);
}

#[test]
fn the_facts_on_disk_give_the_answers_of_those_in_memory() {
    use holdfast_verify::facts::Facts as _;
    let mut log = TestLog::new();
    log.grow_to(40);
    let world = judged(&log.entries(), &log);
    let channel = "shop/prod".parse().unwrap();
    let (position, kept) =
        (world.replay.as_ref().unwrap().position().clone(), &world.opened.as_ref().unwrap().kept);
    let (freezes, touched, policy) = kept
        .look(|transaction| {
            let facts = Ledger::open(&transaction.tables(), position.size(), position.time).unwrap();
            let answers = facts.freezes(&channel).and_then(|freezes| {
                Ok((freezes, facts.newest_touching(&channel)?, facts.policy_at(LeafIndex::new(5).unwrap())?))
            });
            answers.map_err(|error| transaction.facts_failed(error))
        })
        .unwrap();
    assert_eq!(freezes.len(), 39);
    assert!(freezes.windows(2).all(|pair| pair[0].index < pair[1].index));
    assert_eq!(touched.map(LeafIndex::get), Some(39));
    assert_eq!(policy.map(|fact| fact.entry.index.get()), Some(0));
}

/// A log whose third entry needs a newer version, with an entry behind it.
fn grown_up(grow: impl FnOnce(&mut TestLog)) -> TestLog {
    let mut log = honest();
    grow(&mut log);
    log.push(freeze(), &user());
    log
}

fn unknown_type(log: &mut TestLog) {
    log.push_unknown_type("urn:holdfast:recall:v1");
}

fn unknown_rules(log: &mut TestLog) {
    log.push_rules(99);
}

#[test]
fn an_entry_that_needs_a_newer_version_stops_the_replay_before_it() {
    for (grow, needs) in [
        (unknown_type as fn(&mut TestLog), "statement type urn:holdfast:recall:v1"),
        (unknown_rules, "rule book 99"),
    ] {
        let log = grown_up(grow);
        let mut world = judged(&log.entries(), &log);
        assert_eq!((world.indices(), world.replay().size().get()), (vec![], 2), "{needs}");
        let error = ClientError::from(world.replay().require_known_rules().unwrap_err());
        assert!(error.to_string().contains(&format!("entry 2 needs {needs}")), "{error}");
        assert_eq!(error.exit(), ExitCode::Integrity);
        // What was judged is kept, and whoever goes on with the same version stops there again.
        assert_eq!(world.open(TreeSize::ZERO), None);
        assert_eq!(world.replay().size().get(), 2);
        world.judge(&log.entries()[2..], Signatures::Verify);
        assert!(world.replay().require_known_rules().is_err(), "{needs}");
    }
}

#[test]
fn a_type_that_is_not_ours_is_found_and_the_replay_goes_on() {
    let log = grown_up(|log| log.push_unknown_type("https://example.org/recall/v1"));
    let mut world = judged(&log.entries(), &log);
    assert_eq!((world.indices(), world.replay().size().get()), (vec![Some(2)], 4));
    assert!(world.replay().require_known_rules().is_ok());
}
