//! The rule book, asked about every refusal it knows, and by chance.

mod access;
mod attest;
mod channels;
mod common;
mod deploy;
mod evidence;
mod pin;
mod policy;
mod publish;
mod quorum;
mod retention;
mod rule_books;
mod samples;
mod sequences;
mod sweeps;
pub(crate) mod upkeep;
mod windows;
mod world;
