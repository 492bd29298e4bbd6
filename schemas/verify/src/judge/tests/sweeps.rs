//! `sweep` and `swept`: two entries end a window, and each object has one generation.

use holdfast_formats::digest::{Blake3Digest, NamedDigest};
use holdfast_formats::limits::SWEEP_NOTICE_MS_MIN;
use holdfast_formats::number::ByteSize;
use holdfast_formats::statement::{
    Artifact, AttachmentRef, EntryIndex, ObjectClass, Sweep, SweepPhase, Swept, WindowMode,
};
use holdfast_formats::sweep_list::{SweptObject, encode};
use holdfast_formats::tree::LeafIndex;

use super::windows::{delete, hold, keeping};
use super::world::{HOUR_MS, World, ana, of, registry_key};
use crate::facts::Facts as _;
use crate::refusal::{Refusal, RefusalKind};

const WEEK_MS: u64 = 7 * 24 * HOUR_MS;

fn intend(artifacts: &[&Artifact]) -> Sweep {
    let artifacts = artifacts.iter().copied().cloned().collect();
    Sweep { phase: SweepPhase::Intend, artifacts, objects: None, bytes: ByteSize::of(b""), intends: None }
}

fn chunk(content: &[u8], g: LeafIndex) -> SweptObject {
    let digest = NamedDigest::Blake3(Blake3Digest::of(content));
    SweptObject { class: ObjectClass::Chunk, namespace: of("shop"), digest, g }
}

fn end(
    world: &mut World,
    artifacts: &[&Artifact],
    objects: &[SweptObject],
    intends: Option<LeafIndex>,
) -> Sweep {
    let list = encode(objects).unwrap();
    world.attach(&list);
    let intends = intends.map(|index| EntryIndex { index });
    let objects = Some(AttachmentRef::of(&list));
    Sweep { phase: SweepPhase::End, objects, intends, ..intend(artifacts) }
}

fn say(world: &mut World, sweep: Sweep) -> Result<LeafIndex, Refusal> {
    world.say(sweep, &[&registry_key()])
}

#[test]
fn a_window_is_ended_by_two_entries_a_day_apart() {
    let mut world = keeping(7, WindowMode::Compliance);
    let artifact = world.published("shop/web@1");
    assert!(matches!(say(&mut world, intend(&[&artifact])), Err(Refusal::Kept { .. })));
    world.later(WEEK_MS);
    let unannounced = end(&mut world, &[&artifact], &[], None);
    assert_eq!(say(&mut world, unannounced).unwrap_err().kind(), RefusalKind::Malformed);
    let intended = say(&mut world, intend(&[&artifact])).unwrap();
    assert!(world.ledger.artifact(&artifact.r#ref).unwrap().unwrap().ended.is_none());
    world.later(SWEEP_NOTICE_MS_MIN - 1);
    let early = end(&mut world, &[&artifact], &[], Some(intended));
    assert!(matches!(say(&mut world, early), Err(Refusal::NoticeTooShort { .. })));
    world.later(1);
    let in_time = end(&mut world, &[&artifact], &[], Some(intended));
    let ended = say(&mut world, in_time).unwrap();
    assert_eq!(world.ledger.artifact(&artifact.r#ref).unwrap().unwrap().ended.unwrap().index, ended);
    let again = end(&mut world, &[&artifact], &[], Some(intended));
    assert!(matches!(say(&mut world, again), Err(Refusal::ArtifactEnded { .. })));
}

#[test]
fn only_the_registry_sweeps_and_only_what_was_announced() {
    let mut world = keeping(7, WindowMode::Governance);
    let (one, two) = (world.published("shop/web@1"), world.published("shop/web@2"));
    world.later(WEEK_MS);
    assert!(matches!(world.say(intend(&[&one]), &[&ana()]), Err(Refusal::RegistryOnly { .. })));
    let intended = say(&mut world, intend(&[&one])).unwrap();
    world.later(SWEEP_NOTICE_MS_MIN);
    for (artifact, intends) in [(&two, intended), (&one, of("1"))] {
        let other = end(&mut world, &[artifact], &[], Some(intends));
        assert!(matches!(say(&mut world, other), Err(Refusal::EntryNotFound { .. })));
    }
}

#[test]
fn what_is_kept_by_then_is_not_ended() {
    let mut world = keeping(7, WindowMode::Governance);
    let artifact = world.published("shop/web@1");
    world.later(WEEK_MS);
    let intended = say(&mut world, intend(&[&artifact])).unwrap();
    world.later(SWEEP_NOTICE_MS_MIN);
    world.say(hold(&artifact), &[&ana()]).unwrap();
    let held = end(&mut world, &[&artifact], &[], Some(intended));
    assert!(matches!(say(&mut world, held), Err(Refusal::Kept { .. })));
}

#[test]
fn an_artifact_without_a_window_is_never_swept() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1");
    world.later(1000 * WEEK_MS);
    world.published("shop/web@2");
    assert!(matches!(say(&mut world, intend(&[&artifact])), Err(Refusal::Kept { .. })));
}

#[test]
fn a_release_ends_with_its_components_but_they_not_before_it() {
    let mut world = keeping(7, WindowMode::Governance);
    world.amend(|policy| {
        for rule in &mut policy.namespaces {
            let window = rule.windows.get(&of("build")).cloned().unwrap();
            rule.windows = [(of("build"), window.clone()), (of("release"), window)].into_iter().collect();
        }
    });
    let part = world.published("shop/web@1");
    let publish = world.release("shop/all@1", std::slice::from_ref(&part));
    let release = Artifact { r#ref: of("shop/all@1"), digests: publish.manifest.digests };
    world.say(publish, &[&ana()]).unwrap();
    world.later(WEEK_MS);
    assert!(matches!(say(&mut world, intend(&[&part])), Err(Refusal::Kept { .. })));
    let intended = say(&mut world, intend(&[&part, &release])).unwrap();
    world.later(SWEEP_NOTICE_MS_MIN);
    let alone = end(&mut world, &[&part], &[], Some(intended));
    assert!(matches!(say(&mut world, alone), Err(Refusal::Kept { .. })));
    let together = end(&mut world, &[&part, &release], &[], Some(intended));
    say(&mut world, together).unwrap();
}

#[test]
fn an_object_is_swept_at_the_generation_that_it_has() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1");
    world.say(delete(&artifact, false), &[&ana()]).unwrap();
    let none = LeafIndex::FIRST;
    let sweep = end(&mut world, &[], &[chunk(b"x", none)], None);
    let first = say(&mut world, sweep).unwrap();
    let late = end(&mut world, &[], &[chunk(b"y", none), chunk(b"x", none)], None);
    assert_eq!(say(&mut world, late).unwrap_err().kind(), RefusalKind::AttachmentMismatch);
    let next = end(&mut world, &[], &[chunk(b"y", none), chunk(b"x", first)], None);
    let second = say(&mut world, next).unwrap();
    let generation = |content: &[u8]| {
        let NamedDigest::Blake3(_) = chunk(content, none).digest else { panic!("a chunk") };
        world.ledger.generation(ObjectClass::Chunk, &of("shop"), &chunk(content, none).digest).unwrap()
    };
    assert_eq!([generation(b"x"), generation(b"y"), generation(b"z")], [second, second, none]);
}

#[test]
fn a_sweep_says_exactly_what_its_phase_says() {
    let mut world = keeping(7, WindowMode::Governance);
    let artifact = world.published("shop/web@1");
    world.later(WEEK_MS);
    let list = end(&mut world, &[], &[], None);
    let twice = intend(&[&artifact, &artifact]);
    let malformed = [
        intend(&[]),
        Sweep { objects: list.objects, ..intend(&[&artifact]) },
        Sweep { intends: Some(EntryIndex { index: of("1") }), ..intend(&[&artifact]) },
        Sweep { objects: None, ..list.clone() },
        Sweep { intends: Some(EntryIndex { index: of("1") }), ..list.clone() },
        twice,
    ];
    for sweep in malformed {
        assert_eq!(say(&mut world, sweep.clone()).unwrap_err().kind(), RefusalKind::Malformed, "{sweep:?}");
    }
    let unattached = Sweep { objects: Some(AttachmentRef::of(b"never stored")), ..list };
    assert_eq!(say(&mut world, unattached).unwrap_err().kind(), RefusalKind::AttachmentMissing);
}

#[test]
fn a_sweep_is_swept_once() {
    let mut world = keeping(7, WindowMode::Governance);
    let artifact = world.published("shop/web@1");
    world.later(WEEK_MS);
    let intended = say(&mut world, intend(&[&artifact])).unwrap();
    let sweep = end(&mut world, &[], &[chunk(b"x", LeafIndex::FIRST)], None);
    let ended = say(&mut world, sweep).unwrap();
    let gone = |index| Swept { sweep: EntryIndex { index } };
    let refused = world.say(gone(intended), &[&registry_key()]);
    assert!(matches!(refused, Err(Refusal::EntryNotFound { .. })));
    assert!(matches!(world.say(gone(ended), &[&ana()]), Err(Refusal::RegistryOnly { .. })));
    world.say(gone(ended), &[&registry_key()]).unwrap();
    assert!(matches!(world.say(gone(ended), &[&registry_key()]), Err(Refusal::AlreadyEnded { .. })));
}
