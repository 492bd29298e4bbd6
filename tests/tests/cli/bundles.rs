//! The offline commands, with the registry gone and its port watched: whoever connects there is found out.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context as _, Result};
use holdfast_tests::{Output, Program};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::World;

/// A home with a bundle of shop/prod, what the registry answered last, and its port, on which nobody answers any more.
struct Gone {
    home: TempDir,
    port: TcpListener,
    online: Vec<(&'static str, String)>,
}

const FORMS: [&str; 4] = ["env", "dotenv", "github", "oci-ref"];

impl Gone {
    fn after(world: World) -> Result<Self> {
        world.good("bundle shop/prod -o shop.bundle")?;
        let mut online = Vec::new();
        for form in FORMS.into_iter().chain(["json"]) {
            online.push((form, world.good(&format!("known-good shop/prod --format {form}"))?));
        }
        let World { server, home, data: _data } = world;
        let address = server.address();
        server.kill()?;
        let port = TcpListener::bind(address)?;
        port.set_nonblocking(true)?;
        Ok(Self { home, port, online })
    }

    fn path(&self) -> &Path {
        self.home.path()
    }

    /// Runs a command that must not have knocked at the registry's port.
    fn run(&self, words: &str) -> Result<Output> {
        let output = Program::at(self.path()).run(words)?;
        anyhow::ensure!(self.port.accept().is_err(), "`{words}` opened a connection");
        Ok(output)
    }

    fn ends(&self, exit: i32, words: &str) -> Result<Output> {
        let output = self.run(words)?;
        anyhow::ensure!(output.exit == Some(exit), "{words}: not {exit}, but {output:?}");
        Ok(output)
    }
}

#[test]
fn t17_known_good_from_a_bundle_is_the_same_answer_and_says_its_age() -> Result<()> {
    let gone = Gone::after(World::pinned()?)?;
    for (form, online) in &gone.online {
        let words = format!("known-good shop/prod --bundle shop.bundle --format {form}");
        let offline = gone.ends(0, &words)?;
        assert!(offline.stderr.contains("offline: the answer is of"), "{}", offline.stderr);
        if *form != "json" {
            assert_eq!(&offline.stdout, online, "{form}");
            continue;
        }
        let (online, offline): (Value, Value) =
            (serde_json::from_str(online)?, serde_json::from_str(&offline.stdout)?);
        for field in ["channel", "lines", "plan", "warnings", "log_size"] {
            assert_eq!(offline[field], online[field], "{field}");
        }
        assert_eq!(offline["bundle"], "shop.bundle");
        assert!(offline["age_s"].is_u64());
    }
    let plain = gone.ends(0, "known-good shop/prod --bundle shop.bundle")?;
    assert!(plain.stdout.contains("shop/web@1") && plain.stdout.contains("ago"), "{plain:?}");
    gone.ends(0, "known-good shop/prod --bundle shop.bundle --max-age 1h")?;
    let stale = gone.ends(8, "known-good shop/prod --bundle shop.bundle --max-age 0s")?;
    assert!(stale.stderr.contains("0 s are allowed"), "{}", stale.stderr);
    let other = gone.ends(2, "known-good shop/canary --bundle shop.bundle")?;
    assert!(other.stderr.contains("another question"), "{}", other.stderr);
    gone.ends(2, "known-good shop/prod --not current --bundle shop.bundle")?;
    gone.ends(2, "known-good shop/prod --bundle no-such.bundle")?;
    Ok(())
}

#[test]
fn files_come_from_a_bundle_whole_or_not_at_all() -> Result<()> {
    let gone = Gone::after(World::pinned()?)?;
    gone.ends(0, "verify shop.bundle")?;
    for (words, file) in [
        ("pull --bundle shop.bundle channel:shop/prod --to one", "one/app"),
        ("pull --bundle shop.bundle shop/web@1 --to two", "two/app"),
        ("pull --bundle shop.bundle --to three", "three/web/app"),
    ] {
        let pulled = gone.ends(0, words)?;
        assert!(pulled.stderr.contains("offline:"), "{}", pulled.stderr);
        assert_eq!(std::fs::read_to_string(gone.path().join(file))?, "version 1");
    }
    gone.ends(3, "pull --bundle shop.bundle shop/web@2 --to four")?;

    let whole = std::fs::read(gone.path().join("shop.bundle"))?;
    for at in [5, 25, 40, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(gone.path().join("shop.bundle"), &damaged)?;
        for words in [
            "pull --bundle shop.bundle --to four",
            "pull --bundle shop.bundle shop/web@1 --to four",
            "known-good shop/prod --bundle shop.bundle",
        ] {
            let refused = gone.ends(4, words)?;
            assert!(refused.stderr.contains("error:") && refused.stdout.is_empty(), "{refused:?}");
        }
        assert!(!gone.path().join("four").exists(), "nothing is written before all of it was checked");
    }
    Ok(())
}

#[test]
fn without_a_trust_json_a_bundle_only_proves_that_it_is_consistent() -> Result<()> {
    let gone = Gone::after(World::pinned()?)?;
    let trust = gone.path().join("trust.json");
    let kept = std::fs::read(&trust)?;
    std::fs::write(&trust, "{}")?;
    gone.ends(2, "verify shop.bundle")?;
    std::fs::remove_file(&trust)?;
    let itself = gone.ends(0, "verify shop.bundle")?;
    assert!(itself.stderr.contains("no trust.json"), "{}", itself.stderr);
    gone.ends(2, "known-good shop/prod --bundle shop.bundle")?;
    gone.ends(2, "pull --bundle shop.bundle --to out")?;
    std::fs::write(&trust, kept)?;

    let text = std::fs::read_to_string(&trust)?;
    let origin = text.lines().find(|line| line.contains("\"origin\"")).context("it names the log")?;
    std::fs::write(&trust, text.replace(origin, "  \"origin\": \"other.example/log\","))?;
    let other = gone.ends(4, "known-good shop/prod --bundle shop.bundle")?;
    assert!(other.stderr.contains("other.example/log"), "{}", other.stderr);
    Ok(())
}

#[test]
fn t25_a_bundle_needs_no_certificates_and_follows_no_link_out_of_the_target() -> Result<()> {
    let gone = Gone::after(World::pinned()?)?;
    let bare = Program::at(gone.path()).with("SSL_CERT_FILE", "/nowhere").with("SSL_CERT_DIR", "/nowhere");
    let answered = bare.run("known-good shop/prod --bundle shop.bundle")?;
    assert_eq!(answered.exit, Some(0), "a rescue system may have none: {answered:?}");
    let (outside, target) = (gone.path().join("outside"), gone.path().join("out"));
    std::fs::create_dir(&target)?;
    std::fs::write(&outside, "mine")?;
    std::os::unix::fs::symlink(&outside, target.join("app"))?;
    gone.ends(2, "pull --bundle shop.bundle shop/web@1 --to out")?;
    assert_eq!(std::fs::read_to_string(outside)?, "mine");
    Ok(())
}
