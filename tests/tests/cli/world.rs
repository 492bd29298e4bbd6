//! A server process and somebody who has logged in to it by the command.

use std::path::PathBuf;

use anyhow::Result;
use holdfast_tests::{Output, Program, Server};
use tempfile::TempDir;

/// One server, one person, one folder for each.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) data: TempDir,
    pub(crate) home: TempDir,
}

impl World {
    pub(crate) fn new() -> Result<Self> {
        let (data, home) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let server = Server::start(data.path())?;
        let world = Self { server, data, home };
        std::fs::create_dir(world.home.path().join("dist"))?;
        std::fs::write(world.home.path().join("dist/app"), "version 1")?;
        let login = format!("login {}", world.server.login_url()?);
        assert_eq!(world.run(&login)?.exit, Some(0), "{login}");
        Ok(world)
    }

    /// A world in which shop/web@1 is pinned on shop/prod.
    pub(crate) fn pinned() -> Result<Self> {
        let world = Self::new()?;
        world.good("push shop/web@1 dist")?;
        world.good("pin shop/prod shop/web@1 -m smoke-passed")?;
        Ok(world)
    }

    /// Where the server keeps its objects.
    pub(crate) fn objects(&self) -> PathBuf {
        self.data.path().join("data/objects")
    }

    pub(crate) fn program(&self) -> Program {
        Program::at(self.home.path())
    }

    pub(crate) fn run(&self, words: &str) -> Result<Output> {
        self.program().run(words)
    }

    /// Runs a command that must succeed, and gives what it said on standard output.
    pub(crate) fn good(&self, words: &str) -> Result<String> {
        let output = self.run(words)?;
        anyhow::ensure!(output.exit == Some(0), "{words}: {output:?}");
        Ok(output.stdout)
    }

    /// Runs a command that must end with this code, and gives what it said on standard error.
    pub(crate) fn bad(&self, exit: i32, words: &str) -> Result<String> {
        let output = self.run(words)?;
        anyhow::ensure!(output.exit == Some(exit), "{words}: not {exit}, but {output:?}");
        anyhow::ensure!(output.stderr.contains("error:"), "{words} says why: {output:?}");
        Ok(output.stderr)
    }
}
