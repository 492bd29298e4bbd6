//! `cat`: the bytes of one file of a snapshot, every chunk checked before it is written.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::ops::Range;

use holdfast_formats::reference::Reference;

use super::tree_view::{one_snapshot, parse_path};
use crate::session::Session;

const AFTER_HELP: &str = "\
The bytes go to standard output as they are. A wrong byte ends it with 4 before it is written; of a whole file the digest is \
checked, too, after its last byte. Ends with 3 when the snapshot has no such path.

--range takes bytes from A up to and not including B, counted from 0; either may be left out.

Examples:
  holdfast cat shop/db@2026-11-21T070000Z etc/app.toml
  holdfast cat shop/db@2026-11-21T070000Z var/log/big.log --range 1000000-1001000";

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Which snapshot
    #[arg(value_name = "REF")]
    reference: Reference,
    /// A file in it
    #[arg(value_name = "PATH")]
    path: OsString,
    /// Only these bytes
    #[arg(long, value_name = "A-B", value_parser = parse_range)]
    range: Option<Bytes>,
}

/// A range of bytes, its end not included.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bytes(Range<u64>);

fn parse_range(text: &str) -> Result<Bytes, String> {
    let wrong = || "write A-B, A- or -B, with A no greater than B".to_owned();
    let (start, end) = text.split_once('-').ok_or_else(wrong)?;
    let number = |text: &str, left_out| match text {
        "" => Ok(left_out),
        text if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    let range = number(start, 0)?..number(end, u64::MAX)?;
    if text == "-" || range.start > range.end { Err(wrong()) } else { Ok(Bytes(range)) }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let registry = session.registry()?;
        let path = parse_path(&self.path)?;
        let record = one_snapshot(&registry, &self.reference).await?;
        let range = self.range.map(|Bytes(range)| range);
        let mut out = io::stdout().lock();
        let read = registry.read_file(&record, &path, range, |bytes| Ok(out.write_all(bytes)?)).await;
        let written = read.and_then(|()| Ok(out.flush()?));
        // A reader that went away, as `head` does, is no failure of ours.
        let is_gone = |e: &anyhow::Error| {
            e.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
        };
        written.or_else(|error| if is_gone(&error) { Ok(()) } else { Err(error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_with_either_end_left_out() {
        assert_eq!(parse_range("5-9"), Ok(Bytes(5..9)));
        assert_eq!(parse_range("5-"), Ok(Bytes(5..u64::MAX)));
        assert_eq!(parse_range("-9"), Ok(Bytes(0..9)));
        for wrong in ["", "-", "9-5", "a-b", "5", "+5-9", "1-2-3", "99999999999999999999-"] {
            assert!(parse_range(wrong).is_err(), "{wrong}");
        }
    }
}
