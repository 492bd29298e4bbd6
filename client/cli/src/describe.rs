//! One line about any statement: for the history of a channel, the tail of the log, and people about to sign.

use std::fmt::Write as _;

use holdfast_client::Approvals;
use holdfast_formats::digest::Digests;
use holdfast_formats::statement::{
    Deny, DenyScope, Deploy, Grant, Pin, Predicate, Rollback, Scrub, Statement,
};
use holdfast_verify::approval::{Approval, Signatory};

/// What a statement says, in one line. Not escaped.
pub(crate) fn described(statement: &Statement) -> String {
    match &statement.predicate {
        Predicate::Policy(p) => format!("policy {} of {}", p.number, p.origin),
        Predicate::Publish(p) => {
            format!("publish {}@{} ({}, {} bytes)", p.name, p.version, p.kind, p.size_bytes)
        }
        Predicate::Attest(a) => {
            format!("attest {} about {} digest(s)", a.envelope.predicate_type, a.subjects.len())
        }
        Predicate::Tag(t) => format!("tag {}:{} -> blake3:{}…", t.name, t.tag, short(&t.target.digests)),
        Predicate::Deploy(d) => deploy(d),
        Predicate::Pin(p) => pin(p),
        Predicate::Deny(d) => deny(d),
        Predicate::Lift(l) => format!("lift of deny {}: {}", l.deny.index, l.reason),
        Predicate::Freeze(f) => {
            let until = f.until.map_or_else(String::new, |until| format!(" until {until}"));
            format!("freeze {}{until}: {}", f.channel, f.reason)
        }
        Predicate::Thaw(t) => format!("thaw of freeze {}: {}", t.freeze.index, t.reason),
        Predicate::Hold(h) => format!("hold {} for {}: {}", h.artifact.r#ref, h.case, h.reason),
        Predicate::Unhold(u) => format!("end of hold {}: {}", u.hold.index, u.reason),
        Predicate::Extend(e) => format!("extend {} until {}: {}", e.artifact.r#ref, e.until, e.reason),
        Predicate::Delete(d) => format!("delete {}: {}", d.artifact.r#ref, d.reason),
        Predicate::Grant(g) => grant(g),
        Predicate::Revoke(r) => format!("revoke of grant {}: {}", r.grant.index, r.reason),
        Predicate::Rollback(r) => rollback(r),
        Predicate::Scrub(s) => scrub(s),
        Predicate::Sweep(s) => {
            format!("sweep ({}) of {} artifact(s), {} bytes", s.phase, s.artifacts.len(), s.bytes)
        }
        Predicate::Swept(s) => format!("swept, by sweep {}", s.sweep.index),
    }
}

fn deploy(d: &Deploy) -> String {
    format!(
        "deploy {} to {}: {} ({}, attempt {})",
        d.artifact.r#ref, d.channel, d.phase, d.direction, d.attempt
    )
}

fn pin(p: &Pin) -> String {
    let expires = p.expires.map_or_else(String::new, |at| format!(", expires {at}"));
    format!("pin {} on {} as {} {}{expires}: {}", p.artifact.r#ref, p.channel, p.name, p.number, p.reason)
}

fn deny(d: &Deny) -> String {
    let place = match (&d.channel, d.scope) {
        (Some(channel), _) => format!("on {channel}"),
        (None, DenyScope::Everywhere) => "everywhere".to_owned(),
        (None, _) => format!("in {}", d.name.namespace()),
    };
    format!("deny {} blake3:{}… {place}: {}", d.name, short(&d.digests), d.reason)
}

fn grant(g: &Grant) -> String {
    let join = |items: Vec<String>| items.join(",");
    let actions = join(g.actions.iter().map(ToString::to_string).collect());
    let names = join(g.names.iter().map(ToString::to_string).collect());
    let channels = join(g.channels.iter().map(ToString::to_string).collect());
    format!("grant to {}: {actions} on names {names}, channels {channels}", g.subject)
}

fn rollback(r: &Rollback) -> String {
    let what = if r.drill { "drill" } else { "rollback" };
    let of = if r.rollback_id.as_str().starts_with(r.channel.as_str()) {
        String::new()
    } else {
        format!(" of {}", r.channel)
    };
    let mut out = format!("{what} {}{of} from {}: {}", r.rollback_id, r.from.r#ref, r.phase);
    if let Some(last) = r.steps.iter().flatten().last() {
        let _ = write!(out, ", step {} {} {}", last.seq, last.component, last.outcome);
    }
    let _ = write!(out, ": {}", r.reason);
    out
}

fn scrub(s: &Scrub) -> String {
    let names: Vec<String> = s.artifacts.iter().map(|a| a.r#ref.to_string()).collect();
    format!("scrub of {}: {}, {} bytes read", names.join(", "), s.outcome, s.bytes)
}

/// Who has signed and who is still wanted, a line for each thing that the statement needs.
pub(crate) fn wanted_lines(approvals: &Approvals) -> Vec<String> {
    let line = |approval: &Approval| {
        let signed =
            if approval.signed.is_empty() { "nobody yet".to_owned() } else { names(&approval.signed) };
        let missing = missing_line(approval).unwrap_or_else(|| "that is enough".to_owned());
        format!(
            "  {} of the {} for {} must sign: signed by {signed}; {missing}",
            approval.need, approval.capacity, approval.about
        )
    };
    let mut lines: Vec<String> = approvals.wanted.iter().map(line).collect();
    lines.extend(approvals.unknown.iter().map(|key| {
        format!("  also signed by key {key}, which policy {} does not name", approvals.policy.number)
    }));
    lines
}

/// Whose signatures are missing; `None` when there are enough.
pub(crate) fn missing_line(approval: &Approval) -> Option<String> {
    match approval.missing() {
        0 => None,
        _ if approval.open.is_empty() => Some(format!(
            "nobody can sign for it: no rule gives the {} {}",
            approval.capacity, approval.about
        )),
        missing => Some(format!("still missing: {missing} of {}", names(&approval.open))),
    }
}

fn names(people: &[Signatory]) -> String {
    people.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Enough of a digest to recognise it by; whoever needs all of it asks for JSON.
fn short(digests: &Digests) -> String {
    digests.blake3.to_string().chars().take(12).collect()
}
