//! The front door of the real binary: who asks for nothing, too much or too slowly harms nobody but himself.
//!
//! In CI these run with some hundred connections; `scripts/soak front` runs them with 10,000 and prints what it measured.

#[path = "front/bodies.rs"]
mod bodies;
#[path = "front/crowds.rs"]
mod crowds;
#[path = "front/http2.rs"]
mod http2;
#[path = "front/inert.rs"]
mod inert;
#[path = "front/raw.rs"]
mod raw;
#[path = "front/scale.rs"]
mod scale;
#[path = "front/shutdown.rs"]
mod shutdown;
#[path = "front/smuggling.rs"]
mod smuggling;
#[path = "front/tls.rs"]
mod tls;
