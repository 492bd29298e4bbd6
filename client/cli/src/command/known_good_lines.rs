//! A verified known-good answer as a person reads it.

use holdfast_formats::manifest::Custody;
use holdfast_formats::wire::v1::PassReason;

use super::known_good_view::{ComponentView, KnownGoodView, LineView, PassedView, PlanView};
use crate::moment::shown_duration;
use crate::output::Line;

impl KnownGoodView {
    /// The answer for people.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut out = Vec::new();
        for line in &self.lines {
            out.extend(line.shown(&self.channel));
        }
        if !self.plan.is_empty() {
            out.push(Line::heading("to undo, in this order"));
            out.extend(self.plan.iter().map(PlanView::shown));
        }
        let witnessed = self.witnessed_size.map(|size| format!(", the first {size} witnessed"));
        out.push(Line::plain(format!(
            "verified as of {} ({} ago), log of {} entries{}",
            self.time,
            shown_duration(self.age_s * 1000),
            self.log_size,
            witnessed.unwrap_or_default()
        )));
        out
    }
}

impl LineView {
    fn shown(&self, channel: &str) -> Vec<Line> {
        let kind = self.kind.map_or_else(String::new, |kind| format!("  {kind}"));
        let mut out = vec![
            Line::heading(format!("{}{kind}", self.r#ref)),
            Line::plain(format!(
                "  known-good on {channel}: pin {} of {}, entry {}",
                self.pin, self.name, self.index
            )),
            Line::plain(format!("  pinned by {} at {}", self.signers.join(", "), self.time)),
            Line::plain(format!("  because    {}", self.reason)),
            Line::plain(format!("  blake3     {}", self.digests.blake3)),
        ];
        out.extend(self.expires.iter().map(|at| Line::plain(format!("  expires    {at}"))));
        out.extend(
            self.current
                .iter()
                .map(|current| Line::plain(format!("  deployed   {current} (the newest deploy)"))),
        );
        out.extend(self.passed_over.iter().map(PassedView::shown));
        if !self.components.is_empty() {
            out.push(Line::heading("components, in the order to go back"));
            out.extend(self.components.iter().map(ComponentView::shown));
        }
        out
    }
}

impl PassedView {
    fn shown(&self) -> Line {
        let by = self.ended_by.map_or_else(String::new, |entry| format!(", entry {entry}"));
        Line::caution(format!("  not pin {}  {}: {}{by}", self.pin, self.r#ref, words(self.reason)))
    }
}

impl ComponentView {
    fn shown(&self) -> Line {
        let elsewhere = if self.custody == Custody::Referenced { ", kept elsewhere" } else { "" };
        let out = if self.scope == "out" { ", out of scope" } else { "" };
        Line::plain(format!(
            "  {:>3}  {:<12} {:<8} {}  undo by {}{elsewhere}{out}",
            self.stage,
            self.name.as_str(),
            self.role,
            self.r#ref,
            self.undo
        ))
    }
}

impl PlanView {
    fn shown(&self) -> Line {
        let step = &self.step;
        let to = step.to.as_ref().map_or_else(|| "nothing: it is new".to_owned(), ToString::to_string);
        let text = format!(
            "  {:>3}  {:<12} {} -> {to}  by {}",
            step.stage,
            step.component.as_str(),
            step.from,
            step.undo.mode
        );
        if self.one_way { Line::alarm(format!("{text}  CANNOT BE UNDONE")) } else { Line::plain(text) }
    }
}

const fn words(reason: PassReason) -> &'static str {
    match reason {
        PassReason::Denied => "denied",
        PassReason::ScrubFailed => "not wholly readable any more",
        PassReason::Expired => "expired",
        PassReason::Distrusted => "signed by a key that is no longer trusted",
        PassReason::Ended => "ended",
        PassReason::Excluded => "left out by --not",
        PassReason::TooNew => "later than --at",
        PassReason::SteppedBack => "stepped over by --back",
    }
}
