//! What every command says that answers from a bundle: that it is offline, of when the answer is, and what this machine
//! knows beyond it.

use holdfast_client::Bundle;

use crate::moment::shown_duration;
use crate::session::Session;

/// Says of when a bundle is and what cannot be known from it.
pub(super) fn say_age(bundle: &Bundle, session: &Session) {
    for caution in cautions(bundle) {
        session.output().warning(caution);
    }
}

fn cautions(bundle: &Bundle) -> Vec<String> {
    let answer = bundle.answer().get();
    let age = shown_duration(u64::try_from(bundle.age().as_millis()).unwrap_or(u64::MAX));
    let mut out = vec![format!(
        "offline: the answer is of {}, {age} ago; what was logged since, such as a deny, is not in it",
        answer.head.time
    )];
    let size = answer.checkpoint.size();
    if let Some(seen) = bundle.newer_seen() {
        out.push(format!("the bundle is of a log of {size} entries, and this machine saw {seen} already"));
    }
    if bundle.is_unconnected() {
        out.push(format!(
            "the bundle is of a log of {size} entries, which is more than this machine saw: that it continues the same \
             log is shown when the registry answers again"
        ));
    }
    if bundle.is_trusted_by_itself() {
        out.push(
            "there is no trust.json here, so the bundle was checked against the keys that it brings itself: compare \
             them with somebody else's before you rely on it"
                .to_owned(),
        );
    }
    out
}
