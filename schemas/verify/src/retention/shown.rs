//! What there is to say of an artifact's windows, in the form in which the registry answers and auditors compare.

use holdfast_formats::wire::v1::{Ended, EndedBy, KeptReason, KeptWhy, RetentionView};

use super::Retention;
use super::reason::{Kept, Why};
use crate::facts::{ArtifactFact, Facts, FactsError};

impl Retention<'_> {
    /// Everything that follows from the log for one artifact. Which sweep intends to end it is left for whoever looks for it.
    pub fn view(&self, fact: &ArtifactFact) -> Result<RetentionView, FactsError> {
        let reasons = self.reasons(fact)?;
        let alive = fact.ended.is_none();
        let free = |keeps: &dyn Fn(&Kept) -> bool| alive && !reasons.iter().any(keeps);
        let is_dated = reasons.iter().all(|kept| kept.until.is_some());
        Ok(RetentionView {
            artifact: fact.artifact.clone(),
            size: self.facts.size()?,
            time: self.now,
            until: if is_dated { reasons.iter().filter_map(|kept| kept.until).max() } else { None },
            sweep: free(&|kept| self.keeps_from_sweep(kept)),
            delete: free(&|kept| self.keeps_from_delete(kept, false)),
            bypass: free(&|kept| self.keeps_from_delete(kept, true)),
            reasons: reasons.iter().map(|kept| self.shown(kept)).collect(),
            intended: None,
            ended: ended(self.facts, fact)?,
        })
    }

    fn shown(&self, kept: &Kept) -> KeptReason {
        let reason = KeptReason {
            why: kept.why.kind(),
            stands: kept.stands_at(self.now),
            until: kept.until,
            class: None,
            mode: None,
            entry: None,
            case: None,
            reason: None,
            channel: None,
            number: None,
            release: None,
        };
        match kept.why.clone() {
            Why::Class { class, mode } => KeptReason { class: Some(class), mode: Some(mode), ..reason },
            Why::Unlimited { class } => KeptReason { class: Some(class), ..reason },
            Why::Extend { extend, mode } => KeptReason { entry: Some(extend), mode: Some(mode), ..reason },
            Why::Hold { hold, case, reason: why } => {
                KeptReason { entry: Some(hold), case: Some(case), reason: Some(why), ..reason }
            }
            Why::Answer { channel, number }
            | Why::RecentPin { channel, number }
            | Why::FormerAnswer { channel, number } => {
                KeptReason { channel: Some(channel), number: Some(number), ..reason }
            }
            Why::Component { of } => KeptReason { release: Some(of), ..reason },
        }
    }
}

/// How an artifact ended; `None` while it has not.
pub fn ended(facts: &dyn Facts, fact: &ArtifactFact) -> Result<Option<Ended>, FactsError> {
    let Some(ended) = fact.ended else { return Ok(None) };
    let by = if facts.sweep(ended.index)?.is_some() { EndedBy::Sweep } else { EndedBy::Delete };
    Ok(Some(Ended { by, entry: ended.index, time: ended.time }))
}

impl Why {
    const fn kind(&self) -> KeptWhy {
        match self {
            Self::Class { .. } => KeptWhy::Class,
            Self::Unlimited { .. } => KeptWhy::Unlimited,
            Self::Extend { .. } => KeptWhy::Extend,
            Self::Hold { .. } => KeptWhy::Hold,
            Self::Answer { .. } => KeptWhy::Answer,
            Self::RecentPin { .. } => KeptWhy::RecentPin,
            Self::FormerAnswer { .. } => KeptWhy::FormerAnswer,
            Self::Component { .. } => KeptWhy::Component,
        }
    }
}
