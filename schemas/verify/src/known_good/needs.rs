//! Declared needs: whether what is known-good contains all that it says it needs. Asked where a whole channel answers; who
//! asks for one of several lines gets that line alone.

use holdfast_formats::manifest::{Component, Manifest, Need};
use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::Artifact;
use holdfast_formats::version::Version;

use super::plan::{PlanError, WayBack};

/// One thing that may be needed, by any of its names.
struct Offer<'a> {
    artifact: Option<&'a str>,
    component: Option<&'a str>,
    reference: &'a str,
    version: Option<Version>,
}

impl Offer<'_> {
    fn meets(&self, need: &Need) -> bool {
        let name = Some(need.name.as_str());
        let is_meant = self.artifact == name || self.component == name;
        let fits = self.version.as_ref().is_some_and(|version| need.is_met_by(version));
        is_meant && (fits || need.range.as_str() == self.reference)
    }
}

/// Refuses when something that a target, or a part of it, declares as needed is not among the targets and their parts.
pub fn check_needs<'m>(
    ways: &[WayBack<'_>],
    manifest_of: &dyn Fn(&Artifact) -> Option<&'m Manifest>,
) -> Result<(), PlanError> {
    let parts =
        || ways.iter().flat_map(|way| std::iter::once(way.target).chain(way.components.iter().copied()));
    let mut offers: Vec<Offer<'_>> = parts().map(offer_of_artifact).collect();
    let mut needs: Vec<(&ArtifactRef, &Need)> = Vec::new();
    for part in parts() {
        let manifest =
            manifest_of(part).ok_or_else(|| PlanError::ManifestMissing { artifact: part.r#ref.clone() })?;
        let components = || manifest.release().map_or(&[][..], |release| &release.components).iter();
        offers.extend(components().map(offer_of_component));
        let declared =
            manifest.needs.iter().flatten().chain(components().flat_map(|component| &component.needs));
        needs.extend(declared.map(|need| (&part.r#ref, need)));
    }
    match needs.into_iter().find(|(_, need)| !offers.iter().any(|offer| offer.meets(need))) {
        None => Ok(()),
        Some((by, need)) => {
            Err(PlanError::NeedNotMet { by: by.clone(), name: need.name.clone(), range: need.range.clone() })
        }
    }
}

fn offer_of_artifact(artifact: &Artifact) -> Offer<'_> {
    Offer {
        artifact: Some(artifact.r#ref.name().as_str()),
        component: None,
        reference: artifact.r#ref.version().as_str(),
        version: Some(artifact.r#ref.version().clone()),
    }
}

/// A component is also offered when its bytes are elsewhere; then its version is whatever follows the last `@`.
fn offer_of_component(component: &Component) -> Offer<'_> {
    let reference = component.r#ref.as_str();
    let version = reference.rsplit_once('@').and_then(|(_, version)| version.parse().ok());
    Offer { artifact: None, component: Some(component.name.as_str()), reference, version }
}
