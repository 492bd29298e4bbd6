//! Every record that travels as JSON, on either side.

use holdfast_formats::wire::v1;
use holdfast_verify::logged::LoggedStatement;

use crate::rules::strict_record;

pub(crate) const EXAMPLES: &[&[u8]] = &[
    br#"{"size":1}"#,
    br#"{"entries":[{"index":0,"entry":"e30="}],"next":1}"#,
    br#"{"index":0,"entry":"e30=","proof":"c2sp.org/tlog-proof@v1\nindex 0\n\n"}"#,
    br#"{"envelope":{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"keyid":"","sig":"AA=="}]},"attachments":["e30="]}"#,
    br#"{"artifacts":[],"next":null}"#,
];

pub(crate) fn run(data: &[u8]) {
    drop(strict_record::<v1::ArtifactList>(data));
    drop(strict_record::<v1::ArtifactView>(data));
    drop(strict_record::<v1::BlobStored>(data));
    drop(strict_record::<v1::ChunksStored>(data));
    drop(strict_record::<v1::Consistency>(data));
    drop(strict_record::<v1::Gate>(data));
    drop(strict_record::<v1::GrantList>(data));
    drop(strict_record::<v1::History>(data));
    drop(strict_record::<v1::LogEntries>(data));
    drop(strict_record::<v1::MissingAnswer>(data));
    drop(strict_record::<v1::MissingQuery>(data));
    drop(strict_record::<v1::PolicyChain>(data));
    drop(strict_record::<v1::RegistryInfo>(data));
    drop(strict_record::<v1::Status>(data));
    drop(strict_record::<v1::Submission>(data));
    if let Some(receipt) = strict_record::<v1::Receipt>(data) {
        drop(LoggedStatement::of_receipt(&receipt));
    }
    if let Some(entry) = strict_record::<v1::LoggedEntry>(data) {
        drop(LoggedStatement::of_logged(&entry));
    }
    if let Some(entry) = strict_record::<v1::ProvenEntry>(data) {
        drop(LoggedStatement::of_proven(&entry));
    }
}
