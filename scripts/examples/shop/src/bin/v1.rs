//! Release 1.0.0 of the shop: the one that works.

use std::process::ExitCode;

use holdfast_example_shop::{CustomerColumns, Release, run};

fn main() -> ExitCode {
    run(Release {
        version: "1.0.0",
        schema: 1,
        customer: CustomerColumns::Whole,
        total_cents: |quantity, unit_price_cents| quantity.checked_mul(unit_price_cents),
    })
}
