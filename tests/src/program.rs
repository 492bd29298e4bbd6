//! The real binaries: built once, run with nothing of the environment but what a test says.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::Context as _;

/// What a finished program left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// What it exited with; `None` when a signal ended it.
    pub exit: Option<i32>,
    /// What it said as data.
    pub stdout: String,
    /// What it said to a person.
    pub stderr: String,
}

/// The `holdfast` command with a folder for everything it keeps.
#[derive(Debug, Clone)]
pub struct Program {
    home: PathBuf,
    variables: Vec<(String, String)>,
}

impl Program {
    /// The command as a person with this folder runs it.
    pub fn at(home: &Path) -> Self {
        Self { home: home.to_owned(), variables: Vec::new() }
    }

    /// With one more environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it in its folder until it ends. `words` are its arguments, split at spaces.
    pub fn run(&self, words: &str) -> anyhow::Result<Output> {
        self.run_words(&words.split_whitespace().collect::<Vec<_>>())
    }

    /// Runs it with these arguments.
    pub fn run_words(&self, words: &[&str]) -> anyhow::Result<Output> {
        self.run_with_input(words, Stdio::null())
    }

    /// Runs it with these arguments and this standard input.
    pub fn run_with_input(&self, words: &[&str], input: impl Into<Stdio>) -> anyhow::Result<Output> {
        let mut command = Command::new(binary("holdfast")?);
        command.args(words).current_dir(&self.home).env_clear().env("HOLDFAST_HOME", &self.home);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(input);
        finish(&mut command)
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> anyhow::Result<Output> {
    let ended = command.output().with_context(|| format!("{command:?} runs"))?;
    Ok(Output {
        exit: ended.status.code(),
        stdout: String::from_utf8_lossy(&ended.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
    })
}

/// Where a binary of the workspace is, after it was built in the same way as this test.
pub fn binary(name: &str) -> anyhow::Result<PathBuf> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| build().map_err(|error| format!("{error:#}")));
    let folder = folder.as_ref().map_err(|error| anyhow::anyhow!(error.clone()))?;
    Ok(folder.join(name))
}

/// Cargo knows best whether the binaries are those of the sources; asking it costs little when they are.
fn build() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    // target/<profile>/deps/<test>
    let profile = test.ancestors().nth(2).context("a test lies in target/<profile>/deps")?;
    let target = profile.parent().context("a profile lies in the target folder")?;
    let name = profile.file_name().and_then(|name| name.to_str()).context("the profile has a name")?;
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    command.args(["build", "--quiet", "--workspace", "--bins"]);
    command.args(["--profile", if name == "debug" { "dev" } else { name }]);
    command.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells this test about its own package would make crates that look at it (ring, and all above it) be built
    // anew, and anew again by whoever calls cargo next.
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR" {
            command.env_remove(&variable);
        }
    }
    let built = finish(&mut command)?;
    anyhow::ensure!(built.exit == Some(0), "the binaries do not build:\n{}", built.stderr);
    Ok(profile.to_owned())
}
