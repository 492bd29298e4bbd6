//! Keys for nodes that share a store: made once, for one user alone, never overwritten.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Result;
use holdfast_tests::{Server, binary};

/// Runs the server's own binary in a folder.
fn keys(folder: &Path, more: &[&str]) -> Result<std::process::Output> {
    let mut command = std::process::Command::new(binary("holdfast-registry")?);
    Ok(command.args(["keys", "--to", "etc/keys"]).args(more).env_clear().current_dir(folder).output()?)
}

fn mode(path: &Path) -> Result<u32> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
}

#[test]
fn keys_are_made_for_this_user_alone_and_a_server_works_with_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let made = keys(folder.path(), &["--origin", "shop.example/log"])?;
    assert!(made.status.success(), "{made:?}");
    let said = String::from_utf8_lossy(&made.stdout);
    for word in ["shop.example/log", "ed25519:", "serve --store", "--keys etc/keys"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    assert_eq!(mode(&folder.path().join("etc/keys"))?, 0o700);
    for name in ["log.pem", "head.pem", "registry.pem", "origin"] {
        assert_eq!(mode(&folder.path().join("etc/keys").join(name))?, 0o600, "{name}");
    }
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let server = Server::start_on(folder.path(), address, &["--keys", "etc/keys"])?;
    assert!(server.login_url().is_ok() && server.log()?.contains("shop.example/log"));
    Ok(())
}

#[test]
fn keys_are_never_overwritten_not_even_half_a_set() -> Result<()> {
    let folder = tempfile::tempdir()?;
    assert!(keys(folder.path(), &[])?.status.success());
    let place = folder.path().join("etc/keys");
    let files = ["origin", "log.pem", "head.pem", "registry.pem"].map(|name| place.join(name));
    for file in &files {
        let before: Vec<_> = files.iter().map(|file| std::fs::read(file).ok()).collect();
        let refused = keys(folder.path(), &["--origin", "other.example/log"])?;
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("never overwritten"), "{refused:?}");
        let after: Vec<_> = files.iter().map(|file| std::fs::read(file).ok()).collect();
        assert_eq!(before, after);
        std::fs::remove_file(file)?;
    }
    assert!(keys(folder.path(), &[])?.status.success(), "nothing is left that could be lost");
    let wrong = keys(folder.path(), &["--origin", "no origin"])?;
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    Ok(())
}
