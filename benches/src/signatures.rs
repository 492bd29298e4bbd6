//! Says of signatures whether we take them, for judges that know what the answer must be.

use std::io::BufRead as _;

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use holdfast_formats::key::PublicKey;

use crate::report::figure;

/// Reads lines of key, message and signature, in hexadecimal and separated by commas; answers each with its
/// number and `accept` or `reject`.
pub(crate) fn run() -> anyhow::Result<()> {
    for (n, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line?;
        let fields: Vec<Vec<u8>> =
            line.split(',').map(|field| HEX.decode(field.as_bytes())).collect::<Result<_, _>>()?;
        let [key, message, signature] = fields.as_slice() else {
            anyhow::bail!("a line has a key, a message and a signature: {line}")
        };
        figure(&n.to_string(), if is_taken(key, message, signature) { "accept" } else { "reject" })?;
    }
    Ok(())
}

fn is_taken(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else { return false };
    PublicKey::from_bytes(key).is_ok_and(|key| key.verify(message, signature).is_ok())
}
