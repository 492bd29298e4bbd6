use holdfast_formats::manifest::{Kind, MANIFEST_MEDIA_TYPE};
use holdfast_formats::number::ByteSize;
use holdfast_formats::statement::{
    Artifact, DeployPhase, Direction, EntryRef, ManifestDescriptor, ScrubOutcome, WindowMode,
};
use holdfast_formats::tree::TreeHash;

use super::*;
use crate::facts::{Effect, Facts as _, Recovery, ScrubFact, WindowFact};

fn at(index: u64) -> LeafIndex {
    LeafIndex::new(index).unwrap()
}

fn artifact() -> Artifact {
    Artifact { r#ref: "shop/web@1".parse().unwrap(), digests: Digests::of(b"manifest") }
}

fn pin(number: u64) -> Effect {
    Effect::Pin(PinFact {
        entry: EntryRef { index: at(number + 10), leaf: TreeHash::empty() },
        channel: "shop/prod".parse().unwrap(),
        number: PinNumber::new(number).unwrap(),
        artifact: artifact(),
        time: Timestamp::from_ms(0),
        expires: None,
        signers: Vec::new(),
    })
}

fn deploy(index: u64) -> Effect {
    Effect::Deploy(DeployFact {
        index: at(index),
        channel: "shop/prod".parse().unwrap(),
        deploy_id: "d".parse().unwrap(),
        phase: DeployPhase::Started,
        direction: Direction::Forward,
        artifact: artifact(),
        time: Timestamp::from_ms(0),
        signers: Vec::new(),
    })
}

fn ledger(effects: impl IntoIterator<Item = Effect>) -> Ledger {
    let mut ledger = Ledger::empty();
    effects.into_iter().for_each(|effect| ledger.apply(&effect).unwrap());
    ledger
}

#[test]
fn pins_come_newest_first_below_a_number_and_within_a_limit() {
    let ledger = ledger((1..=5).map(pin));
    let (channel, name) = ("shop/prod".parse().unwrap(), "shop/web".parse().unwrap());
    let numbers = |below: Option<u64>, limit| {
        let below = below.map(|number| PinNumber::new(number).unwrap());
        let pins = ledger.pins(&channel, &name, below, limit).unwrap();
        pins.iter().map(|pin| pin.number.get()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(None, 2), [5, 4]);
    assert_eq!(numbers(Some(4), 9), [3, 2, 1]);
    assert!(numbers(Some(1), 9).is_empty());
    assert_eq!(ledger.lines(&channel).unwrap(), std::slice::from_ref(&name));
}

#[test]
fn deploys_come_newest_first_down_to_an_entry_and_within_a_limit() {
    let ledger = ledger([3, 5, 8, 13].map(deploy));
    let (channel, name) = ("shop/prod".parse().unwrap(), "shop/web".parse().unwrap());
    let indices = |after: Option<u64>, limit| {
        let deploys = ledger.deploys(&channel, &name, after.map(at), limit).unwrap();
        deploys.iter().map(|deploy| deploy.index.get()).collect::<Vec<_>>()
    };
    assert_eq!(indices(None, 3), [13, 8, 5]);
    assert_eq!(indices(Some(5), 9), [13, 8]);
    assert!(indices(Some(13), 9).is_empty());
}

#[test]
fn an_artifact_that_was_asked_for_is_asked_for_anew_when_it_changed() {
    let digests = Digests::of(b"manifest");
    let fact = ArtifactFact {
        artifact: artifact(),
        index: at(1),
        time: Timestamp::from_ms(0),
        kind: Kind::Build,
        manifest: ManifestDescriptor {
            media_type: MANIFEST_MEDIA_TYPE.parse().unwrap(),
            size: ByteSize::of(b"manifest"),
            digests,
            oci: None,
        },
        components: Vec::new(),
        size_bytes: ByteSize::of(b""),
        recovery: Recovery::NOTHING,
        signers: Vec::new(),
        window: WindowFact {
            class: "build".parse().unwrap(),
            until: Some(Timestamp::from_ms(0)),
            mode: WindowMode::Governance,
        },
        extended: None,
        scrub: None,
        recovered: None,
        ended: None,
    };
    let mut ledger = ledger([Effect::Artifact(Box::new(fact.clone()))]);
    assert_eq!(ledger.artifact(&artifact().r#ref).unwrap(), Some(fact.clone()));
    let scrub = ScrubFact { index: at(2), outcome: ScrubOutcome::Good, time: Timestamp::from_ms(0) };
    ledger.apply(&Effect::Scrub { artifacts: vec![artifact()], scrub }).unwrap();
    let scrubbed = ArtifactFact { scrub: Some(scrub), ..fact };
    assert_eq!(ledger.artifact(&artifact().r#ref).unwrap(), Some(scrubbed));
    assert_eq!(ledger.artifact(&"shop/web@2".parse().unwrap()).unwrap(), None);
}

#[test]
fn a_payload_that_was_looked_for_in_vain_is_found_once_it_is_logged() {
    let mut ledger = Ledger::empty();
    let (payload, other) = (Sha256Digest::of(b"x"), Sha256Digest::of(b"y"));
    for (index, payload) in [(0, payload), (1, other), (2, payload), (3, other)] {
        ledger.entry_of_payload(&payload).unwrap();
        ledger.note_entry(at(index), payload, Timestamp::from_ms(0)).unwrap();
    }
    assert_eq!(ledger.entry_of_payload(&payload).unwrap(), Some(at(0)));
    assert_eq!(ledger.entry_of_payload(&other).unwrap(), Some(at(1)));
}

#[test]
fn an_entry_counts_whether_or_not_it_had_an_effect_and_time_never_goes_back() {
    let mut ledger = Ledger::empty();
    let payload = Sha256Digest::of(b"x");
    ledger.note_entry(at(0), payload, Timestamp::from_ms(9)).unwrap();
    ledger.note_entry(at(1), payload, Timestamp::from_ms(7)).unwrap();
    assert_eq!(ledger.size().unwrap().get(), 2);
    assert_eq!(ledger.newest_time().unwrap(), Some(Timestamp::from_ms(9)));
    assert_eq!(ledger.entry_of_payload(&payload).unwrap(), Some(at(0)));
}
