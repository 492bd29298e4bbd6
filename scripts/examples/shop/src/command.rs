//! The command line of the shop: reads arguments, calls one thing, ends with 0 or 1.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use crate::client::{self, Answer};
use crate::orders::{self, NewOrder, Orders};
use crate::server::{self, Shop};
use crate::settings::{Config, Flags};
use crate::{Release, migration};

const USAGE: &str = "shop serve --db FILE --config FILE --flags FILE --listen ADDRESS
shop migrate --db FILE --dir FOLDER [--to NUMBER]
shop backup --db FILE --to FILE
shop check URL
shop orders URL
shop order URL --customer NAME --quantity N --cents N";

/// Runs the command in the process's arguments.
pub fn run(release: Release) -> ExitCode {
    match dispatch(release) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to tell the user with when stderr is gone.
            writeln!(std::io::stderr(), "shop {}: {error:#}", release.version).ok();
            ExitCode::FAILURE
        }
    }
}

struct Arguments {
    plain: Vec<String>,
    named: BTreeMap<String, String>,
}

impl Arguments {
    fn read() -> Result<Self> {
        let mut arguments = Self { plain: Vec::new(), named: BTreeMap::new() };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                Some(name) => {
                    let value = words.next().with_context(|| format!("--{name} needs a value"))?;
                    arguments.named.insert(name.to_owned(), value);
                }
                None => arguments.plain.push(word),
            }
        }
        Ok(arguments)
    }

    fn get(&self, name: &str) -> Result<&str> {
        self.named.get(name).map(String::as_str).with_context(|| format!("--{name} is missing\n\n{USAGE}"))
    }

    fn path(&self, name: &str) -> Result<&Path> {
        self.get(name).map(Path::new)
    }

    fn url(&self) -> Result<&str> {
        self.plain.get(1).map(String::as_str).with_context(|| format!("the address is missing\n\n{USAGE}"))
    }
}

fn dispatch(release: Release) -> Result<bool> {
    let arguments = Arguments::read()?;
    match arguments.plain.first().map(String::as_str) {
        Some("serve") => serve(release, &arguments),
        Some("migrate") => migrate(release, &arguments),
        Some("backup") => orders::backup(arguments.path("db")?, arguments.path("to")?).map(|()| true),
        Some("check") => show(&client::check(arguments.url()?)?),
        Some("orders") => show(&client::orders(arguments.url()?)?),
        Some("order") => order(&arguments),
        _ => bail!("unknown command\n\n{USAGE}"),
    }
}

fn serve(release: Release, arguments: &Arguments) -> Result<bool> {
    let shop = Shop {
        release,
        orders: Orders::open(arguments.path("db")?, release)?,
        config: Config::read(arguments.path("config")?)?,
        flags: Flags::read(arguments.path("flags")?)?,
    };
    server::serve(&shop, arguments.get("listen")?).map(|()| true)
}

fn migrate(release: Release, arguments: &Arguments) -> Result<bool> {
    let target = match arguments.named.get("to") {
        Some(number) => number.parse().context("--to must be the number of a migration")?,
        None => release.schema,
    };
    migration::migrate(arguments.path("db")?, arguments.path("dir")?, target)?;
    Ok(true)
}

fn order(arguments: &Arguments) -> Result<bool> {
    let order = NewOrder {
        customer: arguments.get("customer")?.to_owned(),
        quantity: arguments.get("quantity")?.parse().context("--quantity must be a number")?,
        unit_price_cents: arguments.get("cents")?.parse().context("--cents must be a number")?,
    };
    ensure!(!order.customer.is_empty(), "--customer must not be empty");
    show(&client::order(arguments.url()?, &order)?)
}

fn show(answer: &Answer) -> Result<bool> {
    writeln!(std::io::stdout(), "{}", answer.body)?;
    Ok(answer.ok)
}
