//! Pure decisions of Holdfast, shared by registry, client and auditors: no I/O, no clock, no randomness.

pub mod approval;
pub mod channel_head;
pub mod consistency;
pub mod denial;
pub mod entitlement;
mod evidence;
pub mod exchange;
pub mod facts;
pub mod fork;
pub mod gate;
mod grants;
pub mod inclusion;
pub mod judge;
pub mod known_good;
pub mod ledger;
pub mod logged;
pub mod merkle;
pub mod policy_chain;
pub mod policy_template;
mod reach;
pub mod receipt;
pub mod refusal;
pub mod rule_book;
pub mod signature;
pub mod subject;
pub mod verified;
pub mod witness;
