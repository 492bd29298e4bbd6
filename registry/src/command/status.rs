//! `status`: how the registry does, from its files or, when it runs, from itself.

use anyhow::Context as _;
use holdfast_formats::wire::v1::{LastSweep, RegistryInfo, ScheduleList, ScheduleQuery, ScrubStatus};
use holdfast_registry::config::{ServeConfig, ServeFlags};
use holdfast_registry::node::Node;
use holdfast_registry::telemetry::start_logging;
use holdfast_verify::schedules::concerns;

use super::scrub::Scrub;
use super::sweep::Sweep;
use super::task::{Task as _, Worker};
use super::{CommandFailure, asking, opening, say};

/// A status is for people: so many channels are looked at as one answer takes.
const FIRST_CHANNELS: ScheduleQuery = ScheduleQuery { after: None, limit: None, all: None };

pub(crate) fn run(flags: ServeFlags) -> Result<(), CommandFailure> {
    let mut config = ServeConfig::load(flags)?;
    config.serves_nobody();
    start_logging(config.log_format, &config.log_level)?;
    Ok(opening::run(&config, status(&config))?)
}

async fn status(config: &ServeConfig) -> anyhow::Result<()> {
    let worker = Worker::find(config).await?;
    let shown = show(&worker).await;
    worker.leave().await;
    shown
}

async fn show(worker: &Worker<'_>) -> anyhow::Result<()> {
    match worker {
        Worker::Own(node, _) => say_stopped(node)?,
        Worker::Running(config) => say_running(config).await?,
    }
    say_swept(worker.ask::<Sweep>(Sweep::look()).await?.newest.as_ref())?;
    say_scrubbed(&worker.ask::<Scrub>(Scrub::look()).await?)?;
    let schedules = match worker {
        Worker::Own(node, _) => node.service().operate_schedules(FIRST_CHANNELS).await?,
        Worker::Running(config) => asking::ask(config, "schedules", &FIRST_CHANNELS).await?,
    };
    Ok(say_schedules(&schedules)?)
}

fn say_stopped(node: &Node) -> anyhow::Result<()> {
    let head = node.log().head();
    say("running  no")?;
    say(&format!("origin   {}", node.log().keys().origin))?;
    say(&format!("entries  {}", head.size()))?;
    say(&format!("root     {}", head.root()))?;
    Ok(say(&format!("halted   {}", head.halted().unwrap_or("no")))?)
}

/// Asks the running registry what everybody may know.
async fn say_running(config: &ServeConfig) -> anyhow::Result<()> {
    let url = asking::url(config);
    let unreachable = || {
        format!("the store is in use, but no registry answers on {url}; give its --listen or --external-url")
    };
    let client = asking::client()?;
    let body =
        client.get(format!("{url}/v1/registry")).send().await.with_context(unreachable)?.bytes().await?;
    let info: RegistryInfo = serde_json::from_slice(&body).with_context(unreachable)?;
    let ready = client.get(format!("{url}/readyz")).send().await?.status().is_success();
    say("running  yes")?;
    say(&format!("origin   {}", info.origin))?;
    say(&format!("version  {}", info.version))?;
    say(&format!(
        "policy   {}",
        info.policy.map_or_else(|| "none, it waits for its first login".to_owned(), |n| n.to_string())
    ))?;
    Ok(say(&format!("ready    {}", if ready { "yes" } else { "no" }))?)
}

/// How the last sweep ended, and what it left.
fn say_swept(last: Option<&LastSweep>) -> anyhow::Result<()> {
    let Some(last) = last else { return Ok(say("swept    never")?) };
    match &last.failed {
        None => say(&format!("swept    {}", last.time))?,
        Some(reason) => say(&format!("swept    cut short at {}: {reason}", last.time))?,
    }
    let sums =
        [("stored", last.stored_bytes), ("unused", last.reclaimable_bytes), ("deleted", last.deleted_bytes)];
    for (what, bytes) in sums {
        if let Some(bytes) = bytes {
            say(&format!("{what:<9}{bytes} bytes"))?;
        }
    }
    Ok(())
}

/// Since when everything was read back, what is next, and what was damaged.
fn say_scrubbed(scrub: &ScrubStatus) -> std::io::Result<()> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    say(&format!("scrubbed {}", or_none(scrub.full.map(|time| time.to_string()))))?;
    say(&format!("oldest   {}", or_none(scrub.oldest.as_ref().map(ToString::to_string))))?;
    say(&format!("damaged  {}", scrub.unsound))?;
    say(&format!("scrubs   {}", if scrub.running.is_some() { "yes" } else { "no" }))
}

/// What is overdue in channels, and what they do not reach.
fn say_schedules(list: &ScheduleList) -> std::io::Result<()> {
    for shown in &list.channels {
        for (kind, what) in concerns(shown) {
            say(&format!("{kind:<9}{}: {what}", shown.channel))?;
        }
    }
    match &list.next {
        Some(next) => {
            say(&format!("more     channels behind {next} were not looked at; `holdfast status` does"))
        }
        None => Ok(()),
    }
}
