//! What a change of policy makes weaker or cannot undo: said before it is signed.

use holdfast_formats::policy::{Policy, RoleRule};
use holdfast_formats::statement::WindowMode;

/// Warnings about a change, most serious first; empty when it weakens nothing.
pub fn cautions(old: &Policy, new: &Policy) -> Vec<String> {
    let mut out = Vec::new();
    roots(old, new, &mut out);
    roles(old, new, &mut out);
    if old.separate.iter().any(|pair| !new.separate.contains(pair)) {
        out.push("roles that were separate may be filled by one person".to_owned());
    }
    for d in old.distrust.iter().filter(|d| new.distrust.iter().all(|n| n.key != d.key)) {
        out.push(format!("{} is no longer distrusted: what it signed counts again", d.key));
    }
    namespaces(old, new, &mut out);
    channels(old, new, &mut out);
    out
}

fn roots(old: &Policy, new: &Policy, out: &mut Vec<String>) {
    if new.root.threshold < old.root.threshold {
        let (from, to) = (old.root.threshold, new.root.threshold);
        out.push(format!("the root threshold falls from {from} to {to}: fewer people can change every rule"));
    }
    if !old.root.keys.iter().any(|key| new.root.keys.contains(key)) {
        out.push(
            "no root key of today remains: whoever signs now cannot change the policy afterwards".to_owned(),
        );
    }
    if usize::from(new.root.threshold) == new.root.keys.len() {
        let all = if new.root.keys.len() == 1 { "the only root key" } else { "one of the root keys" };
        out.push(format!("when {all} is lost, the policy can never be changed again; keep a spare key safe"));
    }
}

fn roles(old: &Policy, new: &Policy, out: &mut Vec<String>) {
    let is_same =
        |a: &RoleRule, b: &RoleRule| (a.role, &a.names, &a.channels) == (b.role, &b.names, &b.channels);
    for rule in &old.roles {
        let after = new.roles.iter().filter(|other| is_same(rule, other)).map(|other| other.threshold).min();
        if let Some(to) = after.filter(|to| *to < rule.threshold) {
            out.push(format!(
                "the threshold of the {} role falls from {} to {to}",
                rule.role, rule.threshold
            ));
        }
        if new.roles.iter().all(|other| other.role != rule.role) {
            out.push(format!("nobody has the role {} any more", rule.role));
        }
    }
}

fn namespaces(old: &Policy, new: &Policy, out: &mut Vec<String>) {
    for after in &new.namespaces {
        let before = old.namespaces.iter().find(|rule| rule.name == after.name);
        if after.public_read && before.is_none_or(|before| !before.public_read) {
            out.push(format!("everybody may read everything in namespace {}", after.name));
        }
        if after.registry_publishes && before.is_none_or(|before| !before.registry_publishes) {
            out.push(format!("in namespace {} the registry may publish in its own name", after.name));
        }
        for (class, was) in before.iter().flat_map(|before| before.windows.iter()) {
            let now = after.windows.get(class);
            if now.is_none_or(|now| now.keep_s < was.keep_s) {
                let kept = match was.mode {
                    WindowMode::Compliance => "never takes effect on what is published (compliance mode)",
                    WindowMode::Governance => "does not shorten what is published; windows only grow",
                };
                out.push(format!(
                    "the window of {class} in namespace {} gets shorter, which {kept}",
                    after.name
                ));
            }
        }
    }
}

fn channels(old: &Policy, new: &Policy, out: &mut Vec<String>) {
    for after in &new.channels {
        let Some(before) = old.channels.iter().find(|rule| rule.pattern == after.pattern) else { continue };
        if before.evidence.iter().any(|wanted| !after.evidence.contains(wanted)) {
            out.push(format!("a pin on {} needs less evidence", after.pattern));
        }
        if after.rollback_window_s < before.rollback_window_s {
            let pattern = &after.pattern;
            out.push(format!(
                "the rollback window of {pattern} gets shorter, which only holds for later pins"
            ));
        }
        if after.keep_pins < before.keep_pins {
            out.push(format!("fewer pins of {} are kept whatever their date", after.pattern));
        }
    }
}
