//! A registry whose operator lies: a proxy in front of an honest one, and everything that its operator can sign.
//!
//! Owns how a lie is told: what is answered instead of the truth, and logs, proofs and heads that are signed with the
//! registry's own keys. The operator has no user's key and no root key; tests that need one say whose they take. It never
//! says what a client should do about a lie.

mod operator;
mod proxy;
mod reply;
mod victim;
mod world;

pub use operator::{Operator, Signed};
pub use proxy::{Deed, EvilProxy, Lie, change, honest, instead};
pub use reply::{Answer, Asked, Endless, Reply};
pub use victim::Victim;
pub use world::{Captured, EvilWorld};
