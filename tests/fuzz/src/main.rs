//! A fuzz target for every parser of untrusted bytes, in one program: linking it once is most of its build.
//!
//! `HOLDFAST_FUZZ_TARGET` names the target. With `HOLDFAST_FUZZ_SEEDS` the folder of that name is filled with golden
//! vectors first. `scripts/soak fuzz` does both; nothing here decides how long.
#![no_main]

#[cfg(feature = "programs")]
mod node;
mod rules;
mod seeds;
mod targets;

use std::sync::OnceLock;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fn begin() {
    let name = std::env::var("HOLDFAST_FUZZ_TARGET").unwrap_or_default();
    let Some(target) = targets::ALL.iter().find(|target| target.name == name) else {
        let names: Vec<_> = targets::ALL.iter().map(|target| target.name).collect();
        eprintln!("HOLDFAST_FUZZ_TARGET must be one of: {}", names.join(" "));
        std::process::exit(2);
    };
    if let Some(folder) = std::env::var_os("HOLDFAST_FUZZ_SEEDS") {
        seeds::write(target, folder.as_ref()).expect("the seeds can be written");
    }
    TARGET.get_or_init(|| target.run);
}

libfuzzer_sys::fuzz_target!(init: begin(), |data: &[u8]| {
    TARGET.get().expect("libFuzzer initialises before it runs")(data);
});
