//! The command line: options that every command takes, and the commands.

use std::path::PathBuf;

use clap::Parser;

use crate::command::Command;
use crate::config::Settings;
use crate::output::Format;

const AFTER_HELP: &str = "\
Start:
  holdfast-registry serve                             prints a login URL at its first start
  holdfast login http://127.0.0.1:7420#SECRET
  holdfast push shop/web@1.4.2 dist/
  holdfast pin shop/prod shop/web@1.4.2 -m \"smoke passed\"
  holdfast known-good shop/prod

REF is namespace/name@version, namespace/name@blake3:DIGEST, or channel:CHANNEL.

Exit codes:
   0  done                                      6  policy, grant or freeze refuses a write
   1  internal error                            7  an irreversible step is on the way
   2  usage                                     8  registry unreachable or stale
   3  not found, or not yours to read           9  conflict: predecessor moved, name taken
   4  integrity: signature, proof, digest      10  the channel exists, and nothing qualifies
   5  ended, expired, outside its window       11  done, but incomplete

Settings: flags, then HOLDFAST_URL, HOLDFAST_TOKEN, HOLDFAST_KEY, HOLDFAST_HOME, then holdfast.toml ([client] url, key, home).";

/// Keeps what is known to be good, and says what to go back to.
#[derive(Debug, Parser)]
#[command(name = "holdfast", version, after_help = AFTER_HELP, max_term_width = 110, infer_subcommands = false)]
pub(crate) struct Arguments {
    /// The registry's address; trust.json's when left out
    #[arg(long, global = true, env = "HOLDFAST_URL", value_name = "URL", help_heading = "Everywhere")]
    url: Option<String>,
    /// Your private key (PKCS#8 PEM or OpenSSH), or a key.json that says where it lives
    #[arg(long, global = true, env = "HOLDFAST_KEY", value_name = "FILE", help_heading = "Everywhere")]
    key: Option<PathBuf>,
    /// One folder for trust.json, key, tokens and memory
    #[arg(long, global = true, env = "HOLDFAST_HOME", value_name = "DIR", help_heading = "Everywhere")]
    home: Option<PathBuf>,
    /// The form of the answer: plain, json, env, dotenv, github, tf-external or oci-ref
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t = Format::Plain,
        hide_default_value = true,
        hide_possible_values = true,
        value_name = "FORM",
        help_heading = "Everywhere"
    )]
    format: Format,
    /// Say nothing but answers, warnings and errors
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

impl Arguments {
    /// The form that answers are wanted in.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether to say as little as possible.
    pub(crate) const fn quiet(&self) -> bool {
        self.quiet
    }

    /// The settings that were given, and the command. An empty variable counts as none.
    pub(crate) fn into_parts(self) -> (Settings, Command) {
        let path = |given: Option<PathBuf>| given.filter(|path| !path.as_os_str().is_empty());
        let url = self.url.filter(|url| !url.is_empty());
        (Settings { url, key: path(self.key), home: path(self.home) }, self.command)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example_in_its_help() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name());
                if sub.has_subcommands() {
                    check(sub, &path);
                } else {
                    let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(help.contains(path.trim()), "{path} shows no example");
                }
            }
        }
        check(&Arguments::command(), "holdfast");
    }

    #[test]
    fn every_command_that_signs_can_be_prepared_for_several_to_sign() {
        const SIGNING: [&str; 26] = [
            "push",
            "import",
            "snapshot",
            "release",
            "deploy",
            "pin",
            "deny",
            "lift",
            "freeze",
            "thaw",
            "hold",
            "unhold",
            "extend",
            "delete",
            "attest",
            "tag",
            "token grant",
            "token revoke",
            "rollback start",
            "rollback step",
            "rollback finish",
            "policy edit",
            "policy upgrade team",
            "policy rotate",
            "policy distrust",
            "sign",
        ];
        // It is logged as it happens, and says so when it is to be prepared.
        const AT_ONCE: &str = "drill";
        fn listed(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands() {
                let path = format!("{path} {}", sub.get_name()).trim().to_owned();
                let signs = sub.get_arguments().any(|argument| argument.get_id() == "prepare");
                let known = path == AT_ONCE || SIGNING.contains(&path.as_str());
                assert!(!signs || known, "{path} signs and is not listed");
                listed(sub, &path);
            }
        }
        let root = Arguments::command();
        for path in SIGNING {
            let command = path.split(' ').try_fold(&root, |command, name| command.find_subcommand(name));
            let command = command.unwrap_or_else(|| panic!("{path} is no command"));
            let has = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
            assert!(has("prepare") || (path == "sign" && has("merge")), "{path}");
        }
        listed(&root, "");
    }

    #[test]
    fn the_commands_of_the_documents_are_understood() {
        for line in [
            "login http://127.0.0.1:7420#SECRET",
            "login -",
            "push shop/web@1.4.2 dist/",
            "push shop/database@now dump/ --kind snapshot --source shop-db",
            "snapshot shop/files@now data --exclude *.tmp --exclude /cache/ --force-read",
            "import shop/files@1 tar:old.tar",
            "import shop/files restic:/srv/restic --snapshot 1a2b3c4d --snapshot latest",
            "snapshot shop/db@now - --name shop.dump",
            "snapshot shop/db@now --name shop.sql --from-command -- mysqldump shop --opt",
            "snapshot shop/db@now --postgres postgres://backup@db.example/shop --plain",
            "snapshot shop/queue@now --sqlite queue.sqlite --derived-from shop/queue@1 --parent none",
            "release shop/release@1.0.0 release.toml",
            "deploy shop/prod shop/release@1.0.0 started --direction rollback",
            "pin shop/prod shop/web@1.4.2 -m good",
            "deny shop/release@2.0.0 -m bad --channel shop/prod",
            "known-good shop/prod --not current --component shop/release --format env",
            "known-good shop/prod --max-age 1h --back 1 --at 2026-11-21T07:00:00Z",
            "rollback start shop/prod --to shop/release@1.0.0 -m why",
            "rollback step shop/prod#00 --component api --outcome ok",
            "rollback finish shop/prod#00 --outcome succeeded",
            "bundle shop/prod -o shop.bundle",
            "verify shop.bundle",
            "proof shop/web@1.4.2",
            "log checkpoint",
            "audit",
            "audit export --since 90d --out evidence",
            "monitor shop/prod shop/canary --once --silence 5m --webhook https://alerts.example/x",
            "pull channel:shop/prod --to out",
            "pull --bundle shop.bundle --to out",
            "pull --bundle shop.bundle shop/web@1 --to out",
            "known-good shop/prod --bundle shop.bundle --max-age 1d",
            "policy edit --prepare p.json",
            "policy upgrade team --owner bob=ed25519:x --releaser cleo=cleo.pub --pin-threshold 2 --prepare p.json",
            "policy rotate log-key ed25519:x --keep-old",
            "policy rotate root-key new.pem --also-key new.pem --yes",
            "policy distrust bob --from 12 --reason stolen",
            "key from ssh-agent me@laptop",
            "key from --signer kms-sign",
            "sign pin.json --merge bob.json",
            "submit pin.json bob.json cleo.json",
        ] {
            let words = std::iter::once("holdfast").chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_refused() {
        for line in [
            "push shop/web dist",
            "snapshot shop/db@now",
            "snapshot shop/db@now data --sqlite queue.sqlite",
            "snapshot shop/db@now --from-command",
            "snapshot shop/db@now data -- pg_dump",
            "deploy shop/prod shop/web@1 maybe",
            "pin shop/prod shop/web@1",
            "pull --to out",
            "monitor",
            "audit export --since 90d",
            "known-good shop",
            "",
        ] {
            let words = std::iter::once("holdfast").chain(line.split(' ').filter(|w| !w.is_empty()));
            assert!(Arguments::try_parse_from(words).is_err(), "{line}");
        }
    }
}
