//! A proof of inclusion as text.

use holdfast_formats::proof::TlogProof;

pub(crate) fn run(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        crate::rules::one_form::<TlogProof>(text);
    }
}
