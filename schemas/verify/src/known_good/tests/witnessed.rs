//! T12: answers that a quorum of witnesses must vouch for.

use holdfast_formats::checkpoint::Checkpoint;
use holdfast_formats::key::SigningKey;
use holdfast_formats::note::{KeyName, Note, NoteKey, SignatureType, cosignature_line};
use holdfast_formats::statement::Freeze;
use holdfast_formats::time::Timestamp;
use holdfast_formats::tree::TreeSize;
use holdfast_formats::trust::TrustedWitnesses;
use holdfast_formats::wire::v1::{Cosigned, ExitCode, KnownGood};

use super::answers::{Client, EVERYTHING};
use super::world::{PROD, World, ana, of};
use crate::known_good::{AnswerError, KnownGoodAnswer, Mode};
use crate::witness::{Absence, Quorum, QuorumError, WitnessError};

const MINUTE_MS: u64 = 60_000;

fn name(witness: u8) -> KeyName {
    of(&format!("witness.example/w{witness}"))
}

fn key(witness: u8) -> SigningKey {
    SigningKey::from_seed([100 + witness; 32])
}

fn verifier(witness: u8) -> NoteKey {
    NoteKey::new(name(witness), SignatureType::Cosignature, key(witness).public())
}

fn quorum(need: u16, witnesses: &[u8]) -> Quorum {
    let keys = witnesses.iter().map(|witness| verifier(*witness)).collect();
    Quorum::new(&TrustedWitnesses { keys, quorum: need }).unwrap()
}

fn line(note: &str, witness: u8, time: Timestamp) -> String {
    let text = Note::parse(note.as_bytes()).unwrap().unverified_text().to_owned();
    cosignature_line(&text, &name(witness), time.as_ms() / 1000, &key(witness)).unwrap()
}

/// What these witnesses cosigned of a state, as it is shown beside a later one.
fn cosigned(state: &World, shown: &World, witnesses: &[u8], time: Timestamp) -> Cosigned {
    let note = state.checkpoint();
    let lines: String = witnesses.iter().map(|witness| line(&note, *witness, time)).collect();
    let hashes =
        if state.size() == shown.size() { Vec::new() } else { shown.consistency(state.size()).hashes };
    Cosigned { checkpoint: format!("{note}{lines}"), hashes }
}

fn pinned() -> World {
    let mut world = World::solo();
    let one = world.build("shop/web@1.0.0");
    world.pin(&one);
    world
}

/// Asks as a client of these witnesses.
fn ask(
    world: &World,
    quorum: Quorum,
    cosigned: Vec<Cosigned>,
    mode: Mode,
    now: Timestamp,
) -> Result<KnownGoodAnswer, AnswerError> {
    let client = Client { witnesses: Some(quorum), ..Client::of(world) };
    let answer = KnownGood { cosigned, ..world.answer(&EVERYTHING) };
    client.verify_in(&answer, &EVERYTHING, now, mode)
}

fn refused(outcome: Result<KnownGoodAnswer, AnswerError>, exit: ExitCode) -> WitnessError {
    let error = outcome.unwrap_err();
    assert_eq!(error.exit(), exit, "{error}");
    match error {
        AnswerError::Witness(error) => error,
        other => panic!("{other}"),
    }
}

fn absent(error: WitnessError) -> Vec<(KeyName, Absence)> {
    match error {
        WitnessError::Quorum { absent, .. } => absent,
        other => panic!("{other}"),
    }
}

#[test]
fn what_a_quorum_cosigned_is_accepted_each_witness_at_its_own_size() {
    let before = pinned();
    let mut world = before.clone();
    let freeze = Freeze { channel: of("shop/other"), reason: of("elsewhere"), until: None };
    world.say(freeze, &[&ana()]);
    let shown =
        vec![cosigned(&world, &world, &[2], world.now), cosigned(&before, &world, &[1, 9], before.now)];
    let answer = ask(&world, quorum(2, &[1, 2, 3]), shown.clone(), Mode::Online, world.now).unwrap();
    let witnessed = answer.witnessed.unwrap();
    assert_eq!(witnessed.size, before.size(), "both vouch for so much");
    assert_eq!(witnessed.by, [name(2), name(1)]);
    let one = ask(&world, quorum(1, &[1, 2, 3]), shown.clone(), Mode::Online, world.now).unwrap();
    assert_eq!(one.witnessed.unwrap().size, world.size());
    let three =
        refused(ask(&world, quorum(3, &[1, 2, 3]), shown, Mode::Online, world.now), ExitCode::Unreachable);
    assert_eq!(absent(three), [(name(3), Absence::Silent)]);
}

#[test]
fn without_any_cosignature_or_with_those_of_strangers_there_is_no_quorum() {
    let world = pinned();
    for shown in [vec![], vec![cosigned(&world, &world, &[8, 9], world.now)]] {
        let error =
            refused(ask(&world, quorum(1, &[1]), shown, Mode::Online, world.now), ExitCode::Unreachable);
        assert!(error.to_string().contains("0 of the 1 witnesses"), "{error}");
        assert!(error.to_string().contains("witness.example/w1 has cosigned nothing"), "{error}");
    }
}

#[test]
fn t12_a_pin_behind_the_cosigned_tree_is_no_answer_yet() {
    let before = pinned();
    let mut world = before.clone();
    let two = world.build("shop/web@2.0.0");
    world.pin(&two);
    let shown = vec![cosigned(&before, &world, &[1], before.now)];
    let error = refused(ask(&world, quorum(1, &[1]), shown, Mode::Online, world.now), ExitCode::Unreachable);
    assert_eq!(absent(error), [(name(1), Absence::Behind(before.size()))]);
    let shown = vec![cosigned(&world, &world, &[1], world.now)];
    ask(&world, quorum(1, &[1]), shown, Mode::Online, world.now).unwrap();
}

#[test]
fn t12_what_touches_the_channel_behind_the_cosigned_tree_counts_although_it_is_not_shown() {
    let before = pinned();
    let mut world = before.clone();
    let freeze = Freeze { channel: of(PROD), reason: of("incident"), until: None };
    world.say(freeze, &[&ana()]);
    let shown = vec![cosigned(&before, &world, &[1], before.now)];
    let error = refused(ask(&world, quorum(1, &[1]), shown, Mode::Online, world.now), ExitCode::Unreachable);
    assert_eq!(absent(error), [(name(1), Absence::Behind(before.size()))]);
}

#[test]
fn t12_a_cosigned_checkpoint_of_another_branch_is_a_fork() {
    let trunk = pinned();
    let (mut left, mut right) = (trunk.clone(), trunk);
    let (one, two) = (left.build("shop/web@2.0.0"), right.build("shop/web@3.0.0"));
    left.pin(&one);
    right.pin(&two);
    let witnessed = cosigned(&left, &left, &[1], left.now);
    let error = refused(
        ask(&right, quorum(1, &[1]), vec![witnessed.clone()], Mode::Online, right.now),
        ExitCode::Integrity,
    );
    assert!(matches!(error, WitnessError::Inconsistent { .. }), "{error}");
    // Nor does it help to bring another one besides.
    let both = vec![cosigned(&right, &right, &[1], right.now), witnessed];
    refused(ask(&right, quorum(1, &[1]), both, Mode::Online, right.now), ExitCode::Integrity);
}

#[test]
fn a_false_cosignature_and_one_below_a_checkpoint_that_the_log_did_not_sign_are_lies() {
    let (before, world) = (World::solo(), pinned());
    let note = world.checkpoint();
    let stolen = line(&before.checkpoint(), 1, world.now);
    let shown = vec![Cosigned { checkpoint: format!("{note}{stolen}"), hashes: Vec::new() }];
    let error = refused(ask(&world, quorum(1, &[1]), shown, Mode::Online, world.now), ExitCode::Integrity);
    assert!(matches!(error, WitnessError::Cosignature(_)), "{error}");

    let text = Checkpoint::new(of("example/log"), world.size(), before.root()).unwrap().body();
    let unsigned = format!("{text}\n{}", line(&note, 1, world.now));
    let shown = vec![Cosigned { checkpoint: unsigned, hashes: Vec::new() }];
    let error = refused(ask(&world, quorum(1, &[1]), shown, Mode::Online, world.now), ExitCode::Integrity);
    assert!(matches!(error, WitnessError::Checkpoint(_)), "{error}");
}

#[test]
fn t17_cosignatures_are_of_now_or_of_the_time_of_an_answer_that_was_kept() {
    let world = pinned();
    let at = |ms_ago: u64| Timestamp::from_ms(world.now.as_ms() - ms_ago);
    let show = |time| vec![cosigned(&world, &world, &[1], time)];
    ask(&world, quorum(1, &[1]), show(at(4 * MINUTE_MS)), Mode::Online, world.now).unwrap();
    let old = at(6 * MINUTE_MS);
    let error =
        refused(ask(&world, quorum(1, &[1]), show(old), Mode::Online, world.now), ExitCode::Unreachable);
    assert!(matches!(absent(error).as_slice(), [(_, Absence::Old(_))]));
    let ahead = world.now.plus_ms(6 * MINUTE_MS);
    let error =
        refused(ask(&world, quorum(1, &[1]), show(ahead), Mode::Online, world.now), ExitCode::Unreachable);
    assert!(matches!(absent(error).as_slice(), [(_, Absence::Ahead(_))]));

    let later = world.now.plus_ms(100 * MINUTE_MS);
    ask(&world, quorum(1, &[1]), show(world.now), Mode::Offline, later).unwrap();
    refused(ask(&world, quorum(1, &[1]), show(old), Mode::Offline, later), ExitCode::Unreachable);
    refused(ask(&world, quorum(1, &[1]), show(later), Mode::Offline, later), ExitCode::Unreachable);
}

#[test]
fn t30_one_key_counts_once_whatever_its_names_and_lines_are() {
    let world = pinned();
    let twice = vec![cosigned(&world, &world, &[1, 1], world.now), cosigned(&world, &world, &[1], world.now)];
    let error =
        refused(ask(&world, quorum(2, &[1, 2]), twice, Mode::Online, world.now), ExitCode::Unreachable);
    assert_eq!(absent(error), [(name(2), Absence::Silent)]);
    let renamed = NoteKey::new(name(2), SignatureType::Cosignature, key(1).public());
    let log = NoteKey::new(name(3), SignatureType::Ed25519, key(3).public());
    for (keys, quorum, wanted) in [
        (vec![verifier(1), renamed], 2, QuorumError::Twice { name: name(1) }),
        (vec![log], 1, QuorumError::NotAWitness { name: name(3) }),
        (vec![verifier(1)], 2, QuorumError::Size { quorum: 2, keys: 1 }),
        (vec![verifier(1)], 0, QuorumError::Size { quorum: 0, keys: 1 }),
        (vec![], 0, QuorumError::Size { quorum: 0, keys: 0 }),
    ] {
        assert_eq!(Quorum::new(&TrustedWitnesses { keys, quorum }), Err(wanted));
    }
}

#[test]
fn t26_more_cosigned_checkpoints_than_there_can_be_witnesses_are_refused_unread() {
    let world = pinned();
    let junk = Cosigned { checkpoint: String::new(), hashes: Vec::new() };
    let error =
        refused(ask(&world, quorum(1, &[1]), vec![junk; 33], Mode::Online, world.now), ExitCode::Integrity);
    assert!(matches!(error, WitnessError::TooMany(33)), "{error}");
    assert!(world.size() > TreeSize::ZERO);
}
