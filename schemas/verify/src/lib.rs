//! Pure decisions of Holdfast, shared by registry, client and auditors: no I/O, no clock, no randomness.

pub mod consistency;
pub mod denial;
pub mod facts;
pub mod inclusion;
pub mod known_good;
pub mod judge;
pub mod ledger;
pub mod merkle;
pub mod policy_template;
pub mod refusal;
pub mod signature;
pub mod subject;
pub mod verified;
