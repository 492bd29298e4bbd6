//! The body of a release: its components, in which order they go and come back, and how each is undone.

use std::collections::BTreeSet;

use super::{ManifestError, Need};
use crate::digest::{Digests, NamedDigest};
use crate::number::Seconds;
use crate::reference::ArtifactRef;
use crate::strict::{record, word};
use crate::text::{Label, Reason, Uri};

record! {
    /// Artifacts deployed together, with order, boundaries and undo.
    pub struct ReleaseBody {
        /// The release that this one was made from.
        opt base: ArtifactRef,
        /// The components.
        req components: Vec<Component>,
        /// What a rollback of it should reach.
        opt objectives: Objectives,
        /// The runbook for its rollback.
        opt runbook: ArtifactRef,
        /// How to see that it works.
        req acceptance: Vec<Reason>,
    }
}

record! {
    /// What a rollback should reach.
    pub struct Objectives {
        /// Most data lost, in seconds.
        opt rpo_s: Seconds,
        /// Most time to recover.
        opt rto_s: Seconds,
        /// How long a release can be gone back to.
        opt rollback_window_s: Seconds,
    }
}

record! {
    /// One component of a release.
    pub struct Component {
        /// Its name inside the release.
        req name: Label,
        /// What it is for.
        req role: ComponentRole,
        /// `namespace/name@version` when held; the outside reference when referenced.
        req r#ref: Label,
        /// The manifest's BLAKE3 when held; any digest when referenced.
        req digest: NamedDigest,
        /// Whether its bytes are here.
        req custody: Custody,
        /// Where else its bytes are.
        opt locations: Vec<Uri>,
        /// Deployed in ascending stages, undone in descending ones.
        req stage: u32,
        /// Components that go before it inside the same stage or earlier.
        req after: Vec<Label>,
        /// What must be there for it to work.
        req needs: Vec<Need>,
        /// Whether a rollback takes it back.
        req scope: Scope,
        /// What of it a rollback must not touch.
        opt preserve: Vec<Label>,
        /// How it is undone.
        req undo: Undo,
        /// Set when going back over it loses something for good.
        opt irreversible: Irreversible,
    }
}

word! {
    /// What a component is for.
    pub enum ComponentRole {
        /// Program code.
        Code = "code",
        /// Configuration.
        Config = "config",
        /// A database schema.
        Schema = "schema",
        /// Feature flags.
        Flags = "flags",
        /// Data.
        Data = "data",
        /// Infrastructure.
        Infra = "infra",
        /// Instructions.
        Runbook = "runbook",
    }
}

word! {
    /// Who keeps a component's bytes.
    pub enum Custody {
        /// This registry.
        Held = "held",
        /// Somebody else.
        Referenced = "referenced",
    }
}

word! {
    /// Whether a rollback takes a component back.
    pub enum Scope {
        /// It does.
        In = "in",
        /// It does not.
        Out = "out",
    }
}

record! {
    /// How a component is undone.
    pub struct Undo {
        /// The way.
        req mode: UndoMode,
        /// What else must be done.
        req actions: Vec<UndoAction>,
    }
}

word! {
    /// Ways to undo a component.
    pub enum UndoMode {
        /// Deploy the older one again.
        Redeploy = "redeploy",
        /// Restore the older data.
        Restore = "restore",
        /// Run the down migrations.
        Down = "down",
        /// Compensate.
        Compensate = "compensate",
        /// Turn a flag off.
        FlagOff = "flag_off",
        /// There is none.
        None = "none",
    }
}

record! {
    /// Something to do besides.
    pub struct UndoAction {
        /// What it acts on.
        req kind: UndoActionKind,
        /// Which one.
        req r#ref: Label,
        /// The operation's idempotency key.
        req op_key: Label,
    }
}

word! {
    /// What an undo action acts on.
    pub enum UndoActionKind {
        /// A cache.
        Cache = "cache",
        /// A queue.
        Queue = "queue",
        /// Traffic to drain.
        Drain = "drain",
        /// Data to reconcile.
        Reconcile = "reconcile",
        /// Somebody else's system.
        External = "external",
        /// A command.
        Command = "command",
    }
}

record! {
    /// A step that cannot be taken back.
    pub struct Irreversible {
        /// Which step.
        req step: Label,
        /// What is lost.
        req reason: Reason,
    }
}

impl Component {
    /// The artifact, when its bytes are held here.
    pub fn held(&self) -> Option<ArtifactRef> {
        match self.custody {
            Custody::Held => self.r#ref.as_str().parse().ok(),
            Custody::Referenced => None,
        }
    }

    /// Whether the digest given for it is one of an artifact's.
    pub fn is(&self, digests: &Digests) -> bool {
        self.digest.is_one_of(digests)
    }
}

impl ReleaseBody {
    /// Every name once, held references well-formed, `after` naming components of no later stage, and no cycle among them.
    pub(super) fn check(&self) -> Result<(), ManifestError> {
        let wrong = |c: &Component, rule| Err(ManifestError::Component { name: c.name.to_string(), rule });
        let mut names = BTreeSet::new();
        for component in &self.components {
            if !names.insert(&component.name) {
                return wrong(component, "another component has the same name");
            }
            if component.custody == Custody::Held {
                component.r#ref.as_str().parse::<ArtifactRef>()?;
                if !matches!(component.digest, NamedDigest::Blake3(_)) {
                    return wrong(
                        component,
                        "a held component is named by the BLAKE3 digest of its manifest",
                    );
                }
            }
        }
        for component in &self.components {
            for before in &component.after {
                match self.components.iter().find(|c| c.name == *before) {
                    None => return wrong(component, "'after' names a component that is not there"),
                    Some(c) if c.stage > component.stage => {
                        return wrong(component, "'after' names a component of a later stage");
                    }
                    Some(_) => {}
                }
            }
        }
        match self.deployment_order() {
            Some(_) => Ok(()),
            None => Err(ManifestError::Component {
                name: String::new(),
                rule: "the 'after' lists go round in a circle",
            }),
        }
    }

    /// The components in the order they are deployed: by stage, inside a stage by `after`, else by name. `None` when
    /// the `after` lists go round in a circle.
    pub fn deployment_order(&self) -> Option<Vec<&Component>> {
        let mut waiting: Vec<&Component> = self.components.iter().collect();
        waiting.sort_by(|a, b| (a.stage, &a.name).cmp(&(b.stage, &b.name)));
        let mut done: BTreeSet<&Label> = BTreeSet::new();
        let mut order = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let next = waiting.iter().position(|c| c.after.iter().all(|name| done.contains(name)))?;
            let component = waiting.remove(next);
            done.insert(&component.name);
            order.push(component);
        }
        Some(order)
    }
}
