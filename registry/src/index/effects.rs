//! Effects become rows. One function an effect; each is the inverse of a question in `facts`.

use holdfast_formats::reference::ArtifactRef;
use holdfast_formats::statement::ScrubOutcome;
use holdfast_formats::sweep_list::SweptObject;
use holdfast_formats::tree::LeafIndex;
use holdfast_verify::facts::{
    ArtifactFact, AttestFact, DenyFact, DeployFact, Effect, Facts as _, FreezeFact, GrantFact, HoldFact,
    LiftFact, PinFact, PolicyFact, RollbackFact, SweepFact, TagFact,
};
use rusqlite::{Connection, Params, params};
use serde::Serialize;

use super::IndexError;
use super::readers::View;
use super::rows::{digest_bytes, signed};

/// Room for most facts.
const FACT_BYTES: usize = 1024;

/// Applies one effect inside the writer's open transaction.
pub(super) fn apply(view: &View<'_>, effect: &Effect) -> Result<(), IndexError> {
    let db = view.connection;
    match effect {
        Effect::Policy(fact) => policy(db, fact),
        Effect::Artifact(fact) => artifact(db, fact),
        Effect::Attest(fact) => attest(db, fact),
        Effect::Tag(fact) => tag(db, fact),
        Effect::Deploy(fact) => deploy(db, fact),
        Effect::Pin(fact) => pin(db, fact),
        Effect::Deny(fact) => deny(db, fact),
        Effect::Lift { deny, by } => lift(view, *deny, *by),
        Effect::Freeze(fact) => freeze(db, fact),
        Effect::Thaw { freeze, by } => thaw(view, *freeze, *by),
        Effect::Grant(fact) => grant(db, fact),
        Effect::Revoke { grant, by } => revoke(view, *grant, *by),
        Effect::Rollback(fact) => rollback(db, fact),
        Effect::Scrub { artifacts, scrub } => {
            artifacts.iter().try_for_each(|a| change_artifact(view, &a.r#ref, |fact| fact.note_scrub(*scrub)))
        }
        Effect::Hold(fact) => hold(db, fact),
        Effect::Unhold { hold, by } => unhold(view, *hold, *by),
        Effect::Extend { artifact, extend } => {
            change_artifact(view, artifact, |fact| fact.extended = Some(*extend))
        }
        Effect::Delete { artifact, ended } => {
            change_artifact(view, artifact, |fact| fact.ended = Some(*ended))
        }
        Effect::Sweep { sweep, objects } => self::sweep(view, sweep, objects),
        Effect::Swept { sweep, by } => swept(view, *sweep, *by),
    }
}

fn write(db: &Connection, sql: &str, params: impl Params) -> Result<(), IndexError> {
    db.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

fn json(fact: &impl Serialize) -> Result<Vec<u8>, IndexError> {
    let mut bytes = Vec::with_capacity(FACT_BYTES);
    serde_json::to_writer(&mut bytes, fact)?;
    Ok(bytes)
}

fn touch(db: &Connection, channel: &str, index: LeafIndex) -> Result<(), IndexError> {
    write(db, "INSERT OR IGNORE INTO touches VALUES (?1, ?2)", params![channel, signed(index.get())])
}

fn damaged<E>(_: E) -> IndexError {
    IndexError::Damaged("a fact cannot be read")
}

fn policy(db: &Connection, fact: &PolicyFact) -> Result<(), IndexError> {
    let (index, number) = (signed(fact.entry.index.get()), signed(fact.policy.number.get()));
    let row =
        params![number, index, fact.entry.leaf.as_bytes(), signed(fact.time.as_ms()), json(&*fact.policy)?];
    write(db, "INSERT INTO policies VALUES (?1, ?2, ?3, ?4, ?5)", row)
}

fn artifact(db: &Connection, fact: &ArtifactFact) -> Result<(), IndexError> {
    let reference = &fact.artifact.r#ref;
    let row = params![
        signed(fact.index.get()),
        reference.to_string(),
        reference.name().as_str(),
        fact.kind.as_str(),
        fact.artifact.digests.blake3.as_bytes(),
        signed(fact.size_bytes.get()),
        keep_until_ms(fact),
        json(fact)?,
    ];
    write(db, "INSERT INTO artifacts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, ?8)", row)?;
    fact.components.iter().try_for_each(|component| {
        let row = params![component.r#ref.to_string(), reference.to_string()];
        write(db, "INSERT OR IGNORE INTO components VALUES (?1, ?2)", row)
    })
}

/// The latest date of its own windows; none where it stays until somebody deletes it.
fn keep_until_ms(fact: &ArtifactFact) -> Option<i64> {
    fact.own_until().map(|until| signed(until.as_ms()))
}

fn change_artifact(
    view: &View<'_>,
    artifact: &ArtifactRef,
    change: impl FnOnce(&mut ArtifactFact),
) -> Result<(), IndexError> {
    let Some(mut fact) = view.artifact(artifact).map_err(damaged)? else { return Ok(()) };
    change(&mut fact);
    let row = params![
        artifact.to_string(),
        keep_until_ms(&fact),
        fact.scrub.map_or(0, |scrub| signed(scrub.index.get())),
        fact.ended.map_or(0, |ended| signed(ended.index.get())),
        json(&fact)?,
    ];
    let sql = "UPDATE artifacts SET keep_until_ms = ?2, scrubbed = ?3, ended = ?4, fact = ?5 WHERE ref = ?1";
    write(view.connection, sql, row)?;
    note_soundness(view.connection, &fact)
}

/// Those that a scrub last found bad, as long as they have not ended.
fn note_soundness(db: &Connection, fact: &ArtifactFact) -> Result<(), IndexError> {
    let is_unsound =
        fact.ended.is_none() && fact.scrub.is_some_and(|scrub| scrub.outcome != ScrubOutcome::Good);
    let sql = if is_unsound {
        "INSERT OR IGNORE INTO unsound VALUES (?1)"
    } else {
        "DELETE FROM unsound WHERE idx = ?1"
    };
    write(db, sql, [signed(fact.index.get())])
}

fn attest(db: &Connection, fact: &AttestFact) -> Result<(), IndexError> {
    let index = signed(fact.index.get());
    write(db, "INSERT INTO attests VALUES (?1, ?2)", params![index, json(fact)?])?;
    fact.subjects.iter().try_for_each(|subject| {
        write(db, "INSERT OR IGNORE INTO attested VALUES (?1, ?2)", params![subject.blake3.as_bytes(), index])
    })
}

fn tag(db: &Connection, fact: &TagFact) -> Result<(), IndexError> {
    write(
        db,
        "INSERT OR REPLACE INTO tags VALUES (?1, ?2, ?3)",
        params![fact.name.as_str(), fact.tag.as_str(), json(fact)?],
    )
}

fn deploy(db: &Connection, fact: &DeployFact) -> Result<(), IndexError> {
    let (index, name) = (signed(fact.index.get()), fact.artifact.r#ref.name());
    write(
        db,
        "INSERT INTO deploys VALUES (?1, ?2, ?3, ?4)",
        params![index, fact.channel.as_str(), name.as_str(), json(fact)?],
    )?;
    touch(db, fact.channel.as_str(), fact.index)
}

fn pin(db: &Connection, fact: &PinFact) -> Result<(), IndexError> {
    let (channel, name) = (fact.channel.as_str(), fact.artifact.r#ref.name().as_str());
    let number = signed(fact.number.get());
    let artifact = fact.artifact.r#ref.to_string();
    let row = params![channel, name, number, signed(fact.entry.index.get()), artifact, json(fact)?];
    write(db, "INSERT INTO pins VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)?;
    write(db, "INSERT OR IGNORE INTO lines VALUES (?1, ?2)", params![channel, name])?;
    touch(db, channel, fact.entry.index)
}

/// A deny touches every channel that has a line of the denied name, or of a release; the history shows it there.
fn deny(db: &Connection, fact: &DenyFact) -> Result<(), IndexError> {
    let index = signed(fact.index.get());
    write(
        db,
        "INSERT INTO denies VALUES (?1, ?2, ?3)",
        params![index, fact.digests.blake3.as_bytes(), json(fact)?],
    )?;
    match &fact.channel {
        Some(channel) => touch(db, channel.as_str(), fact.index),
        None => touch_channels_of(db, fact),
    }
}

fn touch_channels_of(db: &Connection, fact: &DenyFact) -> Result<(), IndexError> {
    use holdfast_formats::statement::DenyScope;
    let everywhere = fact.scope == DenyScope::Everywhere;
    let prefix = if everywhere { String::new() } else { format!("{}/", fact.name.namespace()) };
    let sql = "INSERT OR IGNORE INTO touches SELECT DISTINCT channel, ?1 FROM lines WHERE substr(channel, 1, ?2) = ?3";
    write(db, sql, params![signed(fact.index.get()), signed(prefix.len() as u64), prefix])
}

fn lift(view: &View<'_>, index: LeafIndex, by: LiftFact) -> Result<(), IndexError> {
    let Some(mut fact) = view.deny(index).map_err(damaged)? else { return Ok(()) };
    fact.lifted = Some(by);
    let db = view.connection;
    write(db, "UPDATE denies SET fact = ?2 WHERE idx = ?1", params![signed(index.get()), json(&fact)?])?;
    let sql = "INSERT OR IGNORE INTO touches SELECT channel, ?2 FROM touches WHERE idx = ?1";
    write(db, sql, params![signed(index.get()), signed(by.index.get())])
}

fn freeze(db: &Connection, fact: &FreezeFact) -> Result<(), IndexError> {
    let row = params![signed(fact.index.get()), fact.channel.as_str(), json(fact)?];
    write(db, "INSERT INTO freezes VALUES (?1, ?2, 0, ?3)", row)?;
    touch(db, fact.channel.as_str(), fact.index)
}

fn thaw(view: &View<'_>, index: LeafIndex, by: LeafIndex) -> Result<(), IndexError> {
    let Some(mut fact) = view.freeze(index).map_err(damaged)? else { return Ok(()) };
    fact.thawed = Some(by);
    let row = params![signed(index.get()), json(&fact)?];
    write(view.connection, "UPDATE freezes SET thawed = 1, fact = ?2 WHERE idx = ?1", row)?;
    touch(view.connection, fact.channel.as_str(), by)
}

fn grant(db: &Connection, fact: &GrantFact) -> Result<(), IndexError> {
    let key = fact.grant.key.as_ref().map(|key| key.id().to_string());
    let claims = fact.grant.oidc.as_ref().map(|oidc| oidc.claims_sha256.as_bytes());
    let row = params![signed(fact.index.get()), fact.grant.token_sha256.as_bytes(), claims, key, json(fact)?];
    write(db, "INSERT INTO grants VALUES (?1, ?2, ?3, ?4, ?5)", row)
}

fn revoke(view: &View<'_>, index: LeafIndex, by: LeafIndex) -> Result<(), IndexError> {
    let Some(mut fact) = view.grant(index).map_err(damaged)? else { return Ok(()) };
    fact.revoked = Some(by);
    write(
        view.connection,
        "UPDATE grants SET fact = ?2 WHERE idx = ?1",
        params![signed(index.get()), json(&fact)?],
    )
}

fn rollback(db: &Connection, fact: &RollbackFact) -> Result<(), IndexError> {
    let (index, channel) = (signed(fact.index.get()), fact.channel.as_str());
    let row =
        params![index, fact.rollback_id.as_str(), channel, fact.drill, fact.phase.as_str(), json(fact)?];
    write(db, "INSERT INTO rollbacks VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)?;
    touch(db, fact.channel.as_str(), fact.index)
}

fn hold(db: &Connection, fact: &HoldFact) -> Result<(), IndexError> {
    let row = params![signed(fact.index.get()), fact.artifact.to_string(), json(fact)?];
    write(db, "INSERT INTO holds VALUES (?1, ?2, 0, ?3)", row)
}

fn unhold(view: &View<'_>, index: LeafIndex, by: LeafIndex) -> Result<(), IndexError> {
    let Some(mut fact) = view.hold(index).map_err(damaged)? else { return Ok(()) };
    fact.ended = Some(by);
    let row = params![signed(index.get()), signed(by.get()), json(&fact)?];
    write(view.connection, "UPDATE holds SET ended = ?2, fact = ?3 WHERE idx = ?1", row)
}

fn sweep(view: &View<'_>, fact: &SweepFact, objects: &[SweptObject]) -> Result<(), IndexError> {
    let (db, index) = (view.connection, signed(fact.index.get()));
    if let Some(ended) = fact.ending() {
        for artifact in &fact.artifacts {
            change_artifact(view, &artifact.r#ref, |fact| fact.ended = Some(ended))?;
        }
    } else {
        for artifact in &fact.artifacts {
            let row = params![artifact.r#ref.to_string(), index];
            write(db, "INSERT OR IGNORE INTO intended VALUES (?1, ?2)", row)?;
        }
    }
    for object in objects {
        let row =
            params![object.namespace.as_str(), object.class.as_str(), digest_bytes(&object.digest), index];
        write(db, "INSERT OR REPLACE INTO generations VALUES (?1, ?2, ?3, ?4)", row)?;
    }
    let row = params![index, fact.phase.as_str(), json(fact)?];
    write(db, "INSERT INTO sweeps VALUES (?1, ?2, 0, ?3)", row)
}

fn swept(view: &View<'_>, index: LeafIndex, by: LeafIndex) -> Result<(), IndexError> {
    let Some(mut fact) = view.sweep(index).map_err(damaged)? else { return Ok(()) };
    fact.swept = Some(by);
    let row = params![signed(index.get()), signed(by.get()), json(&fact)?];
    write(view.connection, "UPDATE sweeps SET swept = ?2, fact = ?3 WHERE idx = ?1", row)
}
