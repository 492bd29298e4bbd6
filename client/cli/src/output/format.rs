//! The forms an answer may be written in.

use std::fmt;

use clap::ValueEnum;

/// How the answer is written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Plain,
    /// One JSON document.
    Json,
    /// Lines of KEY='value' for a shell; safe to `eval`.
    Env,
    /// Lines of KEY="value" for a .env file.
    Dotenv,
    #[value(help = "Lines of KEY=value to append to $GITHUB_ENV or $GITHUB_OUTPUT")]
    Github,
    /// One flat JSON object of strings, as Terraform's external data source reads it.
    TfExternal,
    /// One OCI reference by digest a line.
    OciRef,
}

impl Format {
    /// Whether it consists of variables.
    pub(crate) const fn has_variables(self) -> bool {
        matches!(self, Self::Env | Self::Dotenv | Self::Github | Self::TfExternal)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Json => "json",
            Self::Env => "env",
            Self::Dotenv => "dotenv",
            Self::Github => "github",
            Self::TfExternal => "tf-external",
            Self::OciRef => "oci-ref",
        })
    }
}
