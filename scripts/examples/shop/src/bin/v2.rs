//! Release 2.0.0 of the shop: splits the customer's name, and gets every total wrong that has cents in it.

use std::process::ExitCode;

use holdfast_example_shop::{CustomerColumns, Release, run};

fn main() -> ExitCode {
    run(Release {
        version: "2.0.0",
        schema: 2,
        customer: CustomerColumns::Split,
        // The defect that the quickstart rolls back: it calculates in whole euros.
        total_cents: |quantity, unit_price_cents| Some(quantity.checked_mul(unit_price_cents)? / 100 * 100),
    })
}
