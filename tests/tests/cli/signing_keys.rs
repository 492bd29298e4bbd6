//! Keys that live elsewhere: in an agent, in another file, behind a command.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::{Context as _, Result};
use holdfast_formats::key::SigningKey;
use holdfast_tests::{Program, Server};

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), bytes].concat()
}

fn blob(key: &SigningKey) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(key.public().as_bytes())].concat()
}

/// A small ssh-agent with one key, written from the protocol's document; `scripts/interop` asks the real one.
fn serve_agent(socket: &Path, key: SigningKey) -> Result<()> {
    let listener = UnixListener::bind(socket)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever goes away in between only ends this connection.
            drop(answer(stream, &key));
        }
    });
    Ok(())
}

fn answer(mut stream: UnixStream, key: &SigningKey) -> Result<()> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut request = vec![0; usize::try_from(u32::from_be_bytes(length))?];
    stream.read_exact(&mut request)?;
    let (kind, body) = request.split_first().context("a request has a kind")?;
    let reply = match kind {
        11 => [&[12, 0, 0, 0, 1], string(&blob(key)).as_slice(), &string(b"me@laptop")].concat(),
        13 => {
            let data = body.get(string(&blob(key)).len() + 4..body.len() - 4).context("it names our key")?;
            let signature = [string(b"ssh-ed25519"), string(&key.sign(data))].concat();
            [&[14], string(&signature).as_slice()].concat()
        }
        _ => vec![5],
    };
    stream.write_all(&string(&reply))?;
    Ok(())
}

/// A registry and a home where nobody has logged in yet.
fn fresh() -> Result<(Server, tempfile::TempDir, tempfile::TempDir)> {
    let (data, home) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let server = Server::start(data.path())?;
    std::fs::create_dir(home.path().join("dist"))?;
    std::fs::write(home.path().join("dist/app"), "version 1")?;
    Ok((server, data, home))
}

fn good(program: &Program, words: &str) -> Result<String> {
    let output = program.run(words)?;
    anyhow::ensure!(output.exit == Some(0), "{words}: {output:?}");
    Ok(output.stdout)
}

fn bad(program: &Program, exit: i32, words: &str) -> Result<String> {
    let output = program.run(words)?;
    anyhow::ensure!(output.exit == Some(exit), "{words}: not {exit}, but {output:?}");
    Ok(output.stderr)
}

fn push_and_pin(program: &Program) -> Result<()> {
    good(program, "push shop/web@1 dist")?;
    good(program, "pin shop/prod shop/web@1 -m smoke-passed")?;
    anyhow::ensure!(good(program, "known-good shop/prod")?.contains("shop/web@1"));
    Ok(())
}

#[test]
fn a_key_in_the_ssh_agent_logs_in_pushes_and_pins() -> Result<()> {
    let (server, _data, home) = fresh()?;
    let program = Program::at(home.path());
    let refused = bad(&program, 2, "key from ssh-agent")?;
    assert!(refused.contains("SSH_AUTH_SOCK"), "{refused}");
    let socket = home.path().join("agent");
    let key = SigningKey::from_seed([6; 32]);
    serve_agent(&socket, key.clone())?;
    let program = program.with("SSH_AUTH_SOCK", socket.to_str().context("a path")?);
    let refused = bad(&program, 2, "key from ssh-agent somebody@else")?;
    assert!(refused.contains("me@laptop") && refused.contains("SHA256:"), "{refused}");
    assert!(good(&program, "key from ssh-agent me@laptop")?.contains(&key.public().to_string()));
    assert!(!home.path().join("key.pem").exists(), "no private key is made");
    assert!(good(&program, "key show --format json")?.contains("the ssh-agent"));
    good(&program, &format!("login {}", server.login_url()?))?;
    push_and_pin(&program)?;
    // Without its agent the key signs nothing, and reading goes on.
    let alone = Program::at(home.path());
    let refused = bad(&alone, 2, "pin shop/prod shop/web@1 -m again")?;
    assert!(refused.contains("ssh-add"), "{refused}");
    good(&alone, "known-good shop/prod")?;
    bad(&alone, 2, "key generate")?;
    Ok(())
}

#[test]
fn a_key_behind_a_command_signs_and_what_it_gives_is_checked() -> Result<()> {
    let (server, _data, home) = fresh()?;
    let program = Program::at(home.path());
    let key = SigningKey::from_seed([7; 32]);
    std::fs::write(home.path().join("public"), format!("{}\n", key.public()))?;
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\" || exit 9\n[ -z \"$HOLDFAST_TOKEN\" ] || exit 8\n[ \"$1\" = public ] && exec cat public\n\
                  [ -e broken ] && exit 7\ncat > request && exec cat reply\n";
    let path = home.path().join("kms");
    std::fs::write(&path, script)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
    for pipe in ["request", "reply"] {
        let made = std::process::Command::new("mkfifo").arg(home.path().join(pipe)).status()?;
        anyhow::ensure!(made.success(), "mkfifo {pipe}");
    }
    let (request, reply) = (home.path().join("request"), home.path().join("reply"));
    let flaw = home.path().join("lie");
    std::thread::spawn(move || -> Result<()> {
        loop {
            let mut signature = key.sign(&std::fs::read(&request)?);
            if flaw.exists() {
                signature[0] ^= 1;
            }
            std::fs::write(&reply, signature)?;
        }
    });
    let shown = good(&program, "key from --signer ./kms")?;
    assert!(shown.starts_with("ed25519:"), "{shown}");
    good(&program, &format!("login {}", server.login_url()?))?;
    let kept = std::fs::read_to_string(home.path().join("credentials.json"))?;
    let token = kept.split('"').find(|text| text.starts_with("hft_")).context("login kept a token")?;
    push_and_pin(&program.clone().with("HOLDFAST_TOKEN", token))?;
    std::fs::write(home.path().join("lie"), "")?;
    let refused = bad(&program, 4, "pin shop/prod shop/web@1 -m again")?;
    assert!(refused.contains("does not verify"), "{refused}");
    std::fs::remove_file(home.path().join("lie"))?;
    std::fs::write(home.path().join("broken"), "")?;
    let refused = bad(&program, 1, "pin shop/prod shop/web@1 -m again")?;
    assert!(refused.contains("exit status: 7"), "{refused}");
    Ok(())
}

#[test]
fn a_key_file_elsewhere_is_used_where_it_is() -> Result<()> {
    let (server, _data, home) = fresh()?;
    let program = Program::at(home.path());
    good(&program, "key generate --out mine.pem")?;
    good(&program, "key from mine.pem")?;
    assert!(!home.path().join("key.pem").exists());
    good(&program, &format!("login {}", server.login_url()?))?;
    push_and_pin(&program)?;
    std::fs::remove_file(home.path().join("mine.pem"))?;
    let refused = bad(&program, 2, "pin shop/prod shop/web@1 -m again")?;
    assert!(refused.contains("mine.pem"), "{refused}");
    bad(&program, 2, "key from absent.pem")?;
    bad(&program, 2, "key from")?;
    Ok(())
}
