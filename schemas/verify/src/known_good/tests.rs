//! Lookups from both sides: what a registry chooses, and what a client accepts of it; and every lie it must refuse.

mod accepted;
pub(crate) mod answers;
mod chosen;
mod distrust;
mod grants;
mod lies;
mod old_states;
mod passed;
mod quorum;
mod ways_back;
mod witnessed;
pub(crate) mod world;
