//! HTTP: parse, call, render. Decides nothing about the registry.

mod api;
pub mod front;

pub use api::{ApiLimits, router};
