//! The difference between two policies, in words.

use std::fmt::{self, Write as _};

use holdfast_formats::StrictMap;
use holdfast_formats::key::PublicKey;
use holdfast_formats::number::Seconds;
use holdfast_formats::policy::{
    CalendarRule, ChannelRule, EvidenceRule, NamespaceRule, Policy, Principal, RoleRule, Schedule, Window,
};
use holdfast_formats::text::Label;

/// Whether something comes, goes or becomes something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It becomes something else.
    Changed,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In which way.
    pub difference: Difference,
    /// What, in words. Not escaped.
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.difference {
            Difference::Added => '+',
            Difference::Removed => '-',
            Difference::Changed => '~',
        };
        write!(f, "{sign} {}", self.what)
    }
}

/// What differs between two policies. Number and predecessor always do, and are left out.
pub fn difference(old: &Policy, new: &Policy) -> Vec<Change> {
    let mut out = Changes(Vec::new());
    out.value("rule book", &old.rules, &new.rules);
    out.value("origin", &old.origin, &new.origin);
    let keys: [(&str, &[PublicKey], &[PublicKey]); 4] = [
        ("log key", &old.log_keys, &new.log_keys),
        ("head key", &old.head_keys, &new.head_keys),
        ("registry key", &old.registry_keys, &new.registry_keys),
        ("root key", &old.root.keys, &new.root.keys),
    ];
    for (what, old, new) in keys {
        out.list(what, old, new, ToString::to_string);
    }
    out.value("threshold of the root", &old.root.threshold, &new.root.threshold);
    out.principals(&old.principals, &new.principals);
    out.roles(&old.roles, &new.roles);
    out.list("separate", &old.separate, &new.separate, |(a, b)| format!("{a} from {b}"));
    out.list("distrust", &old.distrust, &new.distrust, |d| {
        format!("of {} from entry {} on: {}", d.key, d.from_entry, d.reason)
    });
    let (name, pattern) = (|n: &NamespaceRule| n.name.to_string(), |c: &ChannelRule| c.pattern.to_string());
    out.named("namespace", [&old.namespaces, &new.namespaces], name, name, Changes::namespace);
    out.named("channel", [&old.channels, &new.channels], pattern, pattern, Changes::channel);
    if out.0.is_empty()
        && old != &(Policy { number: old.number, predecessor: old.predecessor, ..new.clone() })
    {
        out.push(Difference::Changed, "the order of entries".to_owned());
    }
    out.0
}

struct Changes(Vec<Change>);

impl Changes {
    fn push(&mut self, difference: Difference, what: String) {
        self.0.push(Change { difference, what });
    }

    fn value<T: PartialEq + fmt::Display>(&mut self, what: &str, old: &T, new: &T) {
        if old != new {
            self.push(Difference::Changed, format!("{what}: {old} → {new}"));
        }
    }

    fn optional<T: PartialEq>(
        &mut self,
        what: &str,
        old: Option<&T>,
        new: Option<&T>,
        show: impl Fn(&T) -> String,
    ) {
        let shown = |value: Option<&T>| value.map_or_else(|| "none".to_owned(), &show);
        if old != new {
            self.push(Difference::Changed, format!("{what}: {} → {}", shown(old), shown(new)));
        }
    }

    fn list<T: PartialEq>(&mut self, what: &str, old: &[T], new: &[T], show: impl Fn(&T) -> String) {
        for gone in old.iter().filter(|item| !new.contains(item)) {
            self.push(Difference::Removed, format!("{what} {}", show(gone)));
        }
        for come in new.iter().filter(|item| !old.contains(item)) {
            self.push(Difference::Added, format!("{what} {}", show(come)));
        }
    }

    /// Rules that have a name each; the nth of a name is compared with the nth of the same name.
    fn named<T>(
        &mut self,
        what: &str,
        [old, new]: [&[T]; 2],
        name: impl Fn(&T) -> String,
        show: impl Fn(&T) -> String,
        compare: impl Fn(&mut Self, &str, &T, &T),
    ) {
        for (at, item) in old.iter().enumerate() {
            let (id, nth) = (name(item), nth(old, at, &name));
            match new.iter().filter(|other| name(other) == id).nth(nth) {
                Some(other) => compare(self, &format!("{what} {id}"), item, other),
                None => self.push(Difference::Removed, format!("{what} {}", show(item))),
            }
        }
        for (at, item) in new.iter().enumerate() {
            let (id, nth) = (name(item), nth(new, at, &name));
            if old.iter().filter(|other| name(other) == id).nth(nth).is_none() {
                self.push(Difference::Added, format!("{what} {}", show(item)));
            }
        }
        let order = |items: &[T]| items.iter().map(&name).collect::<Vec<_>>();
        let (mut before, mut after) = (order(old), order(new));
        if before != after {
            before.sort_unstable();
            after.sort_unstable();
            if before == after {
                self.push(
                    Difference::Changed,
                    format!("the order of {what} rules; the first that fits counts"),
                );
            }
        }
    }

    fn principals(&mut self, old: &[Principal], new: &[Principal]) {
        let id = |p: &Principal| p.id.to_string();
        for come in new.iter().filter(|p| old.iter().all(|o| o.id != p.id)) {
            self.push(Difference::Added, format!("principal {} {}", come.id, identity(come)));
        }
        for gone in old.iter().filter(|p| new.iter().all(|n| n.id != p.id)) {
            self.push(Difference::Removed, format!("principal {} {}", gone.id, identity(gone)));
        }
        for (before, after) in old.iter().filter_map(|o| Some((o, new.iter().find(|n| n.id == o.id)?))) {
            if before != after {
                let what = format!("principal {}: {} → {}", id(before), identity(before), identity(after));
                self.push(Difference::Changed, what);
            }
        }
    }

    fn roles(&mut self, old: &[RoleRule], new: &[RoleRule]) {
        let show = |rule: &RoleRule| {
            let who: Vec<String> = rule.principals.iter().map(ToString::to_string).collect();
            format!("{}: {} of {}", place(rule), rule.threshold, who.join(", "))
        };
        self.named("role", [old, new], place, show, |out, what, old, new| {
            out.list(&format!("{what}:"), &old.principals, &new.principals, ToString::to_string);
            out.value(&format!("{what}: threshold"), &old.threshold, &new.threshold);
        });
    }

    fn namespace(&mut self, what: &str, old: &NamespaceRule, new: &NamespaceRule) {
        self.value(&format!("{what}: read by everybody"), &old.public_read, &new.public_read);
        self.list(&format!("{what}: moving tag"), &old.moving_tags, &new.moving_tags, ToString::to_string);
        let publishes = format!("{what}: the registry publishes for plain clients");
        self.value(&publishes, &old.registry_publishes, &new.registry_publishes);
        self.windows(what, &old.windows, &new.windows);
        self.optional(
            &format!("{what}: longest window"),
            Some(&old.keep_max_s),
            Some(&new.keep_max_s),
            |s| duration(*s),
        );
    }

    fn windows(&mut self, what: &str, old: &StrictMap<Label, Window>, new: &StrictMap<Label, Window>) {
        let show = |window: &Window| format!("{} ({})", duration(window.keep_s), window.mode);
        for (class, window) in old.iter() {
            self.optional(&format!("{what}: window of {class}"), Some(window), new.get(class), show);
        }
        for (class, window) in new.iter().filter(|(class, _)| old.get(class).is_none()) {
            self.optional(&format!("{what}: window of {class}"), None, Some(window), show);
        }
    }

    fn channel(&mut self, what: &str, old: &ChannelRule, new: &ChannelRule) {
        self.optional(
            &format!("{what}: follows"),
            old.follows.as_ref(),
            new.follows.as_ref(),
            ToString::to_string,
        );
        self.optional(&format!("{what}: members"), old.members.as_ref(), new.members.as_ref(), |names| {
            names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        });
        self.list(&format!("{what}: a pin must show"), &old.evidence, &new.evidence, evidence);
        let window = format!("{what}: rollback window");
        self.optional(&window, Some(&old.rollback_window_s), Some(&new.rollback_window_s), |s| duration(*s));
        self.value(&format!("{what}: pins kept whatever their date"), &old.keep_pins, &new.keep_pins);
        let (pins, after) = (old.pin_expires_s.as_ref(), new.pin_expires_s.as_ref());
        self.optional(&format!("{what}: a pin expires after"), pins, after, |s| duration(*s));
        self.optional(
            &format!("{what}: objectives"),
            old.objectives.as_ref(),
            new.objectives.as_ref(),
            |o| {
                let part = |seconds: Option<Seconds>| seconds.map_or_else(|| "none".to_owned(), duration);
                let window = part(o.rollback_window_s);
                format!("RPO {}, RTO {}, rollback window {window}", part(o.rpo_s), part(o.rto_s))
            },
        );
        let [old_calendar, new_calendar] =
            [old, new].map(|rule| rule.calendar.as_deref().unwrap_or_default());
        self.list(&format!("{what}: calendar"), old_calendar, new_calendar, calendar);
        let [old_due, new_due] = [old, new].map(|rule| rule.schedules.as_deref().unwrap_or_default());
        self.list(&format!("{what}: due"), old_due, new_due, schedule);
    }
}

/// How many before a place have the same name.
fn nth<T>(items: &[T], at: usize, name: &impl Fn(&T) -> String) -> usize {
    let wanted = items.get(at).map(name);
    items.iter().take(at).filter(|item| Some(name(item)) == wanted).count()
}

/// What tells one role rule from another: the role, and where it holds.
fn place(rule: &RoleRule) -> String {
    let joined = |patterns: &[holdfast_formats::pattern::NamePattern]| {
        patterns.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    };
    format!("{} (names {}, channels {})", rule.role, joined(&rule.names), joined(&rule.channels))
}

fn identity(principal: &Principal) -> String {
    match (&principal.key, &principal.issuer) {
        (Some(key), _) => key.to_string(),
        (None, Some(issuer)) => {
            let claims = principal.claims.iter().flat_map(|c| [&c.repository, &c.r#ref, &c.environment]);
            let said: Vec<String> = claims.flatten().map(ToString::to_string).collect();
            format!("by {issuer} {}", said.join(" "))
        }
        (None, None) => "without key".to_owned(),
    }
}

fn evidence(rule: &EvidenceRule) -> String {
    let mut text = rule.kind.to_string();
    // Writing to a string cannot fail.
    if let Some(kind) = &rule.predicate_type {
        let _ = write!(text, " {kind}");
    }
    if let Some(signer) = &rule.signer {
        let _ = write!(text, " by {signer}");
    }
    if let Some(age) = rule.younger_than_s {
        let _ = write!(text, " younger than {}", duration(age));
    }
    text
}

fn calendar(rule: &CalendarRule) -> String {
    format!("{} from {} until {}", rule.rule, rule.from, rule.until)
}

fn schedule(due: &Schedule) -> String {
    format!("{} every {}", due.name, duration(due.every_s))
}

/// A length of time in its largest whole unit.
fn duration(seconds: Seconds) -> String {
    let seconds = seconds.get();
    match [(86_400, "d"), (3_600, "h"), (60, "min")]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit))
    {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}
