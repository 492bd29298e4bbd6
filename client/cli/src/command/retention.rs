//! `retention`: until when an artifact stays, and why.

use holdfast_formats::reference::Reference;
use holdfast_formats::wire::v1::{EndedBy, KeptReason, KeptWhy, RetentionView};

use crate::output::{Answer, Line, Variables};
use crate::session::Session;

const AFTER_HELP: &str = "\
What the registry says here follows from its log, and `holdfast audit` compares it with that. Reasons that name a channel or a \
release which you may not read are shown without its name.

With --format env: HOLDFAST_REF, HOLDFAST_UNTIL (empty while a reason has no date), HOLDFAST_SWEEP and HOLDFAST_DELETE (true \
when it may end so now), HOLDFAST_ENDED (the entry that ended it, or empty).

Examples:
  holdfast retention shop/release@2.0.0
  holdfast retention channel:shop/prod --format json";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which artifact
    #[arg(value_name = "REF")]
    reference: Reference,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let shown = session.registry()?.retention(&self.reference).await?;
        let text = |value: Option<String>| value.unwrap_or_default();
        let variables = Variables::none()
            .with("HOLDFAST_REF", shown.artifact.r#ref.to_string())?
            .with("HOLDFAST_UNTIL", text(shown.until.map(|until| until.to_string())))?
            .with("HOLDFAST_SWEEP", shown.sweep.to_string())?
            .with("HOLDFAST_DELETE", shown.delete.to_string())?
            .with("HOLDFAST_ENDED", text(shown.ended.as_ref().map(|ended| ended.entry.to_string())))?;
        let answer = Answer::new(&shown)?
            .line(Line::heading(shown.artifact.r#ref.to_string()))
            .with_lines(lines(&shown))
            .with_variables(variables);
        session.output().answer(&answer)
    }
}

fn lines(shown: &RetentionView) -> Vec<Line> {
    if let Some(ended) = &shown.ended {
        let by = match ended.by {
            EndedBy::Delete => "deleted",
            EndedBy::Sweep => "swept, because nothing kept it any longer,",
        };
        return vec![Line::caution(format!("  {by} by entry {} at {}", ended.entry, ended.time))];
    }
    let mut lines = vec![Line::plain(match shown.until {
        Some(until) if shown.sweep => format!("  nothing keeps it since {until}"),
        Some(until) => format!("  kept until {until} at least"),
        None => "  kept without a date".to_owned(),
    })];
    lines.extend(shown.reasons.iter().map(|reason| {
        let mark = if reason.stands { "kept by" } else { "over:  " };
        Line::plain(format!("  {mark} {}", reason_line(reason)))
    }));
    lines.push(Line::plain(format!("  {}", may_end(shown))));
    if let Some(intended) = shown.intended {
        lines.push(Line::caution(format!("  a sweep intends to end it: entry {intended}")));
    }
    lines
}

fn may_end(shown: &RetentionView) -> &'static str {
    match (shown.sweep, shown.delete, shown.bypass) {
        (true, ..) => "a sweep may end it now, and it may be deleted",
        (false, true, _) => "it may be deleted now, and no sweep ends it",
        (false, false, true) => "it may be deleted now with --bypass only, and no sweep ends it",
        (false, false, false) => "it cannot be deleted now, and no sweep ends it",
    }
}

/// One reason, for a person.
pub(super) fn reason_line(reason: &KeptReason) -> String {
    let what = what(reason);
    match reason.until {
        Some(until) => format!("{what}, until {until}"),
        None => what,
    }
}

fn what(reason: &KeptReason) -> String {
    fn shown<T: ToString>(value: Option<&T>) -> String {
        value.map_or_else(|| "?".to_owned(), ToString::to_string)
    }
    let pin = || match (&reason.channel, reason.number) {
        (Some(channel), Some(number)) => format!("{channel}, pin {number}"),
        _ => "a channel that you may not read".to_owned(),
    };
    let (class, mode, entry) =
        (shown(reason.class.as_ref()), shown(reason.mode.as_ref()), shown(reason.entry.as_ref()));
    match reason.why {
        KeptWhy::Class => format!("the {mode} window of its class {class}"),
        KeptWhy::Unlimited => {
            format!("its class {class}, which has no window: it stays until somebody deletes it")
        }
        KeptWhy::Extend => format!("the {mode} window that entry {entry} extended"),
        KeptWhy::Hold => {
            let (case, why) = (shown(reason.case.as_ref()), shown(reason.reason.as_ref()));
            format!("the hold of entry {entry} for {case}: {why}")
        }
        KeptWhy::Answer => format!("being the answer of {}", pin()),
        KeptWhy::RecentPin => format!("being one of the last pins that can be answered, of {}", pin()),
        KeptWhy::FormerAnswer => format!("the rollback window of {}", pin()),
        KeptWhy::Component => match &reason.release {
            Some(release) => format!("being a component of {release}"),
            None => "being a component of a release that you may not read".to_owned(),
        },
    }
}
