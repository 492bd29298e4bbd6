//! Pure decisions of Holdfast, shared by registry, client and auditors: no I/O, no clock, no randomness.

pub mod consistency;
pub mod facts;
pub mod inclusion;
pub mod merkle;
