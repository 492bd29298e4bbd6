//! `attest` and `tag`.

use holdfast_formats::statement::{Tag, TagTarget};

use super::world::{World, ana, bob, of, policy, unpublished};
use crate::refusal::{Refusal, RefusalKind};

#[test]
fn an_attestation_needs_its_envelope_and_an_attester() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    let good = world.attest(&artifact, "https://slsa.dev/provenance/v1");
    assert_eq!(world.say(good.clone(), &[&bob()]).unwrap_err().kind(), RefusalKind::RoleMissing);
    let mut elsewhere = good.clone();
    elsewhere.envelope.digests = unpublished("shop/web@2").digests;
    assert_eq!(world.say(elsewhere, &[&ana()]).unwrap_err().kind(), RefusalKind::AttachmentMissing);
    let mut other = good.clone();
    other.envelope.digests.blake3 = artifact.digests.blake3;
    assert_eq!(world.say(other, &[&ana()]).unwrap_err().kind(), RefusalKind::AttachmentMismatch);
    world.say(good, &[&ana()]).unwrap();
}

#[test]
fn an_attestation_is_about_at_least_one_digest_and_none_twice() {
    let mut world = World::solo();
    let artifact = world.published("shop/web@1.0.0");
    let mut none = world.attest(&artifact, "x");
    none.subjects.clear();
    let mut twice = world.attest(&artifact, "x");
    twice.subjects.extend_from_within(..);
    for wrong in [none, twice] {
        assert_eq!(world.say(wrong, &[&ana()]).unwrap_err().kind(), RefusalKind::Malformed);
    }
}

#[test]
fn a_tag_moves_among_the_published_versions_of_its_name() {
    let mut world = World::solo();
    let one = world.published("shop/web@1.0.0");
    let two = world.published("shop/web@2.0.0");
    let other = world.published("shop/api@1.0.0");
    let tag = |tag: &str, digests| Tag { name: of("shop/web"), tag: of(tag), target: TagTarget { digests } };
    for artifact in [&one, &two, &one] {
        world.say(tag("latest", artifact.digests), &[&ana()]).unwrap();
        let points_to = world.ledger.tag(&of("shop/web"), &of("latest")).unwrap().unwrap().target;
        assert_eq!(points_to, artifact.digests);
    }
    let elsewhere = world.say(tag("latest", other.digests), &[&ana()]).unwrap_err();
    assert!(matches!(elsewhere, Refusal::DigestNotFound { .. }), "{elsewhere}");
    let unlisted = world.say(tag("stable", one.digests), &[&ana()]).unwrap_err();
    assert!(matches!(unlisted, Refusal::MovingTag { .. }), "{unlisted}");
    assert_eq!(
        world.say(tag("latest", one.digests), &[&bob()]).unwrap_err().kind(),
        RefusalKind::RoleMissing
    );
}

#[test]
fn a_version_that_was_published_never_becomes_a_tag() {
    let mut first = policy();
    first.namespaces.iter_mut().for_each(|rule| rule.moving_tags.clear());
    let mut world = World::with(first);
    let artifact = world.published("shop/web@latest");
    world.amend(|next| next.namespaces = policy().namespaces);
    let tag =
        Tag { name: of("shop/web"), tag: of("latest"), target: TagTarget { digests: artifact.digests } };
    assert_eq!(world.say(tag, &[&ana()]).unwrap_err().kind(), RefusalKind::NameTaken);
}
