//! `known-good`: what to go back to, in which order, and why nothing newer.

use std::path::PathBuf;
use std::time::Duration;

use holdfast_client::Registry;
use holdfast_formats::name::{ArtifactName, ChannelName};
use holdfast_formats::wire::v1::{Excluded, ExitCode, KnownGoodQuery, PlanStep};
use holdfast_verify::known_good::{KnownGoodAnswer, is_one_way};

use super::known_good_variables::variables;
use super::known_good_view::{KnownGoodView, Source};
use super::offline::say_age;
use super::show::oci_ref;
use crate::failure::Failure;
use crate::moment::{Moment, parse_duration};
use crate::output::Answer;
use crate::session::Session;

const AFTER_HELP: &str = "\
Everything in the answer was checked against .holdfast/trust.json: signatures, policy, proofs, freshness, digests. The \
components stand in the order in which to go back: what was deployed last comes first.

With --format env (also dotenv, github, tf-external): HOLDFAST_CHANNEL, HOLDFAST_PIN, HOLDFAST_REF, HOLDFAST_DIGEST, \
HOLDFAST_COMPONENTS, and for each component HOLDFAST_<NAME>_REF, _DIGEST, _ROLE, _STAGE, _UNDO. With several lines: \
HOLDFAST_LINES, and for each line HOLDFAST_LINE_<NAME>_REF, _DIGEST, _PIN.

With --bundle the file answers, by .holdfast/trust.json and what this machine saw; it must have been made with the same \
channel and options. Its age is always said, and its pins expire as of now.

Ends with 10 when nothing qualifies, 7 when the way back passes an irreversible step, 8 when the registry does not answer.

Examples:
  holdfast known-good shop/prod
  holdfast known-good shop/prod --not current --component shop/release
  eval \"$(holdfast known-good shop/prod --format env)\"
  holdfast known-good shop/prod --max-age 1d
  holdfast known-good shop/prod --bundle shop-prod.bundle";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The channel
    channel: ChannelName,
    /// Only this line
    #[arg(long, value_name = "NAME")]
    component: Option<ArtifactName>,
    /// Not this: a digest, or what the last deploy reported
    #[arg(long, value_name = "current|DIGEST")]
    not: Option<Excluded>,
    /// Only pins made up to then: a time, or so long ago; denies and expiry are judged now
    #[arg(long, value_name = "WHEN")]
    at: Option<Moment>,
    /// Step back over so many answers
    #[arg(long, value_name = "N")]
    back: Option<u32>,
    /// While the registry is down, take the last verified answer if it is no older
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    max_age: Option<Duration>,
    /// Answer from a bundle, without any network; --max-age then limits how old it may be
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Answer although the way back passes a step that cannot be undone
    #[arg(long)]
    accept_irreversible: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        if let Some(file) = &self.bundle {
            let bundle = registry.open_bundle(file).await?;
            bundle.require_answer_to(&self.channel, &self.query())?;
            self.max_age.map_or(Ok(()), |max| bundle.require_age(max))?;
            say_age(&bundle, session);
            return self.answer(bundle.answer().get(), Source::Bundle(file), &registry, session);
        }
        let lookup = registry.known_good(&self.channel, &self.query(), self.max_age).await?;
        let source = lookup.cached_age.map_or(Source::Registry, Source::Memory);
        self.answer(lookup.answer.get(), source, &registry, session)
    }

    fn answer(
        &self,
        good: &KnownGoodAnswer,
        source: Source<'_>,
        registry: &Registry,
        session: &Session,
    ) -> anyhow::Result<()> {
        if !self.accept_irreversible {
            refuse_irreversible(&good.plan)?;
        }
        let view = KnownGoodView::of(good, source);
        let mut answer = Answer::new(&view)?
            .with_lines(view.lines())
            .with_oci_refs(good.lines.iter().map(|line| oci_ref(&registry.url(), &line.artifact)).collect());
        if session.output().format().has_variables() {
            answer = answer.with_variables(variables(&view)?);
        }
        for warning in view.cautions() {
            session.output().warning(warning);
        }
        session.output().answer(&answer)
    }

    fn query(&self) -> KnownGoodQuery {
        KnownGoodQuery {
            component: self.component.clone(),
            not: self.not,
            at: self.at.map(|when| when.before(Session::now())),
            back: self.back,
            min_size: None,
            policy: None,
        }
    }
}

fn refuse_irreversible(plan: &[PlanStep]) -> Result<(), Failure> {
    let one_way: Vec<String> = plan.iter().filter(|step| is_one_way(step)).map(reason).collect();
    if one_way.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the way back passes {} step(s) that cannot be undone: {}",
        one_way.len(),
        one_way.join("; ")
    );
    Err(Failure::new(ExitCode::Irreversible, message)
        .with_hint("decide what to lose, then ask again with --accept-irreversible"))
}

fn reason(step: &PlanStep) -> String {
    match &step.irreversible {
        Some(loss) => format!("{} of {} ({}: {})", step.component, step.release, loss.step, loss.reason),
        None => format!("{} of {} (it has no undo)", step.component, step.release),
    }
}
