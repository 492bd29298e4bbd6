//! Evidence packs: exported by one person, checked by another who has a trust.json and nothing else.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_formats::envelope::pre_authentication_encoding;
use holdfast_formats::key::SigningKey;
use holdfast_tests::Program;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::world::World;

const PACK_TYPE: &str = "application/vnd.holdfast.evidence-pack.v1+json";

/// A pack about the second half of a busy day, the person who made it, and a stranger with nothing but a trust.json.
struct Handed {
    home: TempDir,
    stranger: TempDir,
    port: TcpListener,
    pack: PathBuf,
    exported: Value,
}

impl Handed {
    fn over() -> Result<Self> {
        let world = World::pinned()?;
        let denied = world.good("deny shop/web@1 -m leaks --format json")?;
        let denied: Value = serde_json::from_str(&denied)?;
        let deny =
            ["index", "entry"].iter().find_map(|key| denied[*key].as_u64()).context("it has a place")?;
        // A pipeline with a key of its own, granted before the period and revoked in it.
        let key = world.good("key generate --out ci.pem")?;
        let key = key.split_whitespace().find(|word| word.starts_with("ed25519:")).context("it is shown")?;
        let token = world.good(&format!(
            "token grant ci --action read,publish --name shop/* --channel shop/* --expires 2h --ephemeral-key {key}"
        ))?;
        std::thread::sleep(std::time::Duration::from_millis(30));
        let since = moment_of(&world)?;
        std::fs::write(world.home.path().join("dist/app"), "version 2")?;
        let ci = world.program().with("HOLDFAST_TOKEN", token.trim());
        let pushed = ci.run("--key ci.pem push shop/web@2 dist")?;
        assert_eq!(pushed.exit, Some(0), "{pushed:?}");
        world.good(&format!("lift {deny} -m no-leak"))?;
        world.good("pin shop/prod shop/web@2 -m tested")?;
        world.good("rollback start shop/prod --to shop/web@1 -m drill --drill --from shop/web@2")?;
        let exported = world.good(&format!("audit export --since {since} --out pack --format json"))?;
        let World { server, home, data: _data } = world;
        let address = server.address();
        server.kill()?;
        let port = TcpListener::bind(address)?;
        port.set_nonblocking(true)?;
        let stranger = tempfile::tempdir()?;
        std::fs::copy(home.path().join("trust.json"), stranger.path().join("trust.json"))?;
        let pack = home.path().join("pack");
        Ok(Self { home, stranger, port, pack, exported: serde_json::from_str(&exported)? })
    }

    /// What the stranger finds.
    fn verify(&self) -> Result<holdfast_tests::Output> {
        let pack = self.pack.to_string_lossy().into_owned();
        let output = Program::at(self.stranger.path()).run_words(&["verify", &pack, "--format", "json"])?;
        anyhow::ensure!(self.port.accept().is_err(), "it opened a connection");
        Ok(output)
    }

    fn refused(&self, what: &str) -> Result<String> {
        let output = self.verify()?;
        anyhow::ensure!(output.exit == Some(4) && output.stdout.is_empty(), "{what}: {output:?}");
        anyhow::ensure!(output.stderr.contains("error:"), "{what}: {output:?}");
        Ok(output.stderr)
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        let mut out = Vec::new();
        for folder in [self.pack.clone(), self.pack.join("attachments")] {
            for item in std::fs::read_dir(folder)? {
                let path = item?.path();
                if path.is_file() {
                    out.push(path);
                }
            }
        }
        Ok(out)
    }

    /// Writes a manifest of one's own, signed by some key.
    fn seal(&self, payload: &[u8], payload_type: &str, key: &SigningKey) -> Result<()> {
        let sig = STANDARD.encode(key.sign(&pre_authentication_encoding(payload_type, payload)));
        let envelope = json!({
            "payload": STANDARD.encode(payload), "payloadType": payload_type,
            "signatures": [{ "keyid": key.public().id().to_string(), "sig": sig }],
        });
        Ok(std::fs::write(self.pack.join("manifest.dsse.json"), envelope.to_string())?)
    }

    fn manifest(&self) -> Result<Value> {
        let envelope: Value = serde_json::from_slice(&std::fs::read(self.pack.join("manifest.dsse.json"))?)?;
        assert_eq!(envelope["payloadType"], PACK_TYPE);
        Ok(serde_json::from_slice(&STANDARD.decode(envelope["payload"].as_str().context("it has one")?)?)?)
    }
}

/// The time that the newest entry does not have yet.
fn moment_of(world: &World) -> Result<String> {
    let history: Value = serde_json::from_str(&world.good("log tail -n 1 --format json")?)?;
    let newest = history[0]["time"].as_str().context("it has a time")?;
    let (seconds, fraction) = newest.trim_end_matches('Z').split_once('.').context("it has milliseconds")?;
    let later: u32 = fraction.parse::<u32>()? + 1;
    // At the very end of a second the period begins some milliseconds earlier or later, which is as good.
    Ok(format!("{seconds}.{:03}Z", later.min(999)))
}

#[test]
fn a_pack_is_verified_by_a_stranger_without_any_network() -> Result<()> {
    let handed = Handed::over()?;
    let output = handed.verify()?;
    assert_eq!(output.exit, Some(0), "{output:?}");
    let found: Value = serde_json::from_str(&output.stdout)?;
    assert_eq!(found, handed.exported, "it finds what the exporter said");
    let types: BTreeMap<String, u64> = serde_json::from_value(found["types"].clone())?;
    for (kind, count) in [("publish", 1), ("lift", 1), ("pin", 1), ("rollback", 1), ("scrub", 1)] {
        assert_eq!(types.get(kind), Some(&count), "{types:?}");
    }
    assert!(!types.contains_key("policy") && !types.contains_key("deny"), "they came before: {types:?}");
    let context = std::fs::read_to_string(handed.pack.join("context.jsonl"))?;
    assert!(context.lines().count() >= 3, "the deny that was lifted, the pin before, the last before");
    let index = std::fs::read_to_string(handed.pack.join("index.txt"))?;
    assert!(index.contains("pin: 1") && index.contains("no-leak"), "{index}");
    assert_eq!(found["missing"], json!([]));

    std::fs::remove_file(handed.stranger.path().join("trust.json"))?;
    assert_eq!(handed.verify()?.exit, Some(2), "it proves nothing by itself");
    Ok(())
}

#[test]
fn t32_whatever_is_changed_in_a_pack_is_found() -> Result<()> {
    let handed = Handed::over()?;
    let files = handed.files()?;
    assert!(files.len() >= 9, "{files:?}");
    for file in &files {
        let whole = std::fs::read(file)?;
        for at in [0, whole.len() / 2, whole.len() - 2] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            std::fs::write(file, &damaged)?;
            handed.refused(&format!("{} at {at}", file.display()))?;
        }
        std::fs::write(file, [whole.as_slice(), b"\n"].concat())?;
        if !file.ends_with("manifest.dsse.json") {
            handed.refused(&format!("{} with a line more", file.display()))?;
            std::fs::remove_file(file)?;
            handed.refused(&format!("{} gone", file.display()))?;
            std::os::unix::fs::symlink("/etc/hostname", file)?;
            handed.refused(&format!("{} a link", file.display()))?;
            std::fs::remove_file(file)?;
        }
        std::fs::write(file, whole)?;
    }
    std::fs::write(handed.pack.join("attachments/more"), "x")?;
    assert!(handed.refused("one more")?.contains("does not list it"));
    std::fs::remove_file(handed.pack.join("attachments/more"))?;
    assert_eq!(handed.verify()?.exit, Some(0));
    Ok(())
}

#[test]
fn t32_who_signs_a_pack_again_cannot_leave_out_an_entry_or_begin_later() -> Result<()> {
    let handed = Handed::over()?;
    let own = holdfast_client::keys::load(&handed.home.path().join("key.pem"))?;
    let honest = handed.manifest()?;
    let seal =
        |manifest: &Value, key: &SigningKey| handed.seal(manifest.to_string().as_bytes(), PACK_TYPE, key);
    seal(&honest, &own)?;
    assert_eq!(handed.verify()?.exit, Some(0), "the same, signed again");
    let (place, nobody) = (handed.pack.join("manifest.dsse.json"), SigningKey::from_seed([8; 32]));
    let (name, other) = (own.public().id().to_string(), nobody.public().id().to_string());
    std::fs::write(&place, std::fs::read_to_string(&place)?.replacen(&name, &other, 1))?;
    handed.refused("under another's name")?;
    seal(&honest, &nobody)?;
    assert!(handed.refused("by nobody")?.contains("nobody whom the policy"));
    for (field, value) in [
        ("before", json!(honest["before"].as_u64().context("a number")? + 1)),
        ("size", json!(honest["size"].as_u64().context("a number")? - 1)),
        ("since", json!("2020-01-01T00:00:00.000Z")),
        ("log", json!("other.example/log")),
        ("missing", json!(["00".repeat(32)])),
        ("more", json!(1)),
    ] {
        let mut manifest = honest.clone();
        manifest[field] = value;
        seal(&manifest, &own)?;
        handed.refused(field)?;
    }

    // The last entry left out, and every digest made right again.
    let entries = handed.pack.join("entries.jsonl");
    let whole = std::fs::read_to_string(&entries)?;
    let kept: Vec<&str> = whole.lines().collect();
    let less = kept[..kept.len() - 1].join("\n") + "\n";
    let swapped = kept.iter().rev().copied().collect::<Vec<_>>().join("\n") + "\n";
    for text in [less, swapped, whole.replace("\"index\":", "\"index\" :")] {
        std::fs::write(&entries, &text)?;
        let mut manifest = honest.clone();
        let files = manifest["files"].as_array_mut().context("they are listed")?;
        let file = files.iter_mut().find(|file| file["path"] == "entries.jsonl").context("it is listed")?;
        let digests = holdfast_formats::digest::Digests::of(text.as_bytes());
        (file["size"], file["digests"]) = (json!(text.len()), serde_json::to_value(digests)?);
        seal(&manifest, &own)?;
        if text.contains("\"index\" :") {
            assert_eq!(handed.verify()?.exit, Some(0), "other spaces, the same entries");
        } else {
            assert!(handed.refused("entries")?.contains("entries.jsonl"));
        }
    }
    Ok(())
}

#[test]
fn t22_a_pack_is_never_a_statement_and_no_statement_is_a_pack() -> Result<()> {
    let handed = Handed::over()?;
    let own = holdfast_client::keys::load(&handed.home.path().join("key.pem"))?;
    let payload = handed.manifest()?.to_string().into_bytes();
    let sealed = std::fs::read(handed.pack.join("manifest.dsse.json"))?;
    assert!(holdfast_formats::envelope::Envelope::parse(&sealed).is_err(), "no log takes it");
    for other in ["application/vnd.in-toto+json", "application/json", ""] {
        handed.seal(&payload, other, &own)?;
        assert!(handed.refused(other)?.contains("another type"));
    }
    // The signature of a statement under the name of a pack.
    let sig = own.sign(&pre_authentication_encoding("application/vnd.in-toto+json", &payload));
    let envelope = json!({
        "payload": STANDARD.encode(&payload), "payloadType": PACK_TYPE,
        "signatures": [{ "keyid": own.public().id().to_string(), "sig": STANDARD.encode(sig) }],
    });
    std::fs::write(handed.pack.join("manifest.dsse.json"), envelope.to_string())?;
    assert!(handed.refused("moved")?.contains("nobody whom the policy"));
    Ok(())
}

#[test]
fn a_pack_of_the_whole_log_begins_at_entry_0_and_one_that_cannot_be_is_not_begun() -> Result<()> {
    let world = World::pinned()?;
    let all = world.good("audit export --since 3650d --out all --format json")?;
    let all: Value = serde_json::from_str(&all)?;
    assert_eq!((&all["before"], &all["types"]["policy"]), (&json!(0), &json!(1)), "{all}");
    world.good("verify all")?;
    world.bad(2, "audit export --since 1d --out all")?;
    let nothing = world.good("audit export --since 2100-01-01T00:00:00Z --out none --format json")?;
    assert_eq!(serde_json::from_str::<Value>(&nothing)?["entries"], json!(0));
    world.good("verify none")?;
    world.good("key generate --out other.pem")?;
    assert!(
        world
            .bad(2, "--key other.pem audit export --since 1d --out other")?
            .contains("does not name your key")
    );
    let token = world.good("token grant reader --action read --name shop/* --channel shop/* --expires 1h")?;
    let reader = world.program().with("HOLDFAST_TOKEN", token.trim());
    let refused = reader.run("audit export --since 1d --out other")?;
    assert_eq!(refused.exit, Some(3), "{refused:?}");
    assert!(!exists(world.home.path(), "other")?, "nothing is left behind");
    Ok(())
}

fn exists(folder: &Path, name: &str) -> Result<bool> {
    let names: Vec<_> = std::fs::read_dir(folder)?.collect::<std::io::Result<_>>()?;
    Ok(names.iter().any(|item| {
        let found = item.file_name().to_string_lossy().into_owned();
        found == name || found.starts_with(".holdfast-")
    }))
}
