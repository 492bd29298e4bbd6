//! HTTP: parse, call, render. Decides nothing about the registry.

pub mod front;
