//! Every JSON Schema that is checked in, made from the types that parse.

use holdfast_formats::entry::Entry;
use holdfast_formats::envelope::Envelope;
use holdfast_formats::fork::ForkEvidence;
use holdfast_formats::manifest::{
    FlagsBody, Kind, ManifestDocument, NoBody, ReleaseBody, SchemaBody, SnapshotBody,
};
use holdfast_formats::policy::Policy;
use holdfast_formats::statement::{STATEMENT_TYPE, StatementType, Subject};
use holdfast_formats::trust::Trust;
use holdfast_formats::wire::v1;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::strictness::strict;

/// The meta-schema of every document.
pub(crate) const META_SCHEMA: &str = "https://json-schema.org/draft/2020-12/schema";

/// Every document by the name of its file.
pub(crate) fn documents() -> Vec<(String, Value)> {
    let mut documents = vec![
        document("manifest", manifest),
        document("entry", schema_of::<Entry>),
        document("envelope", schema_of::<Envelope>),
        document("policy", schema_of::<Policy>),
        document("trust", schema_of::<Trust>),
        document("fork-evidence", schema_of::<ForkEvidence>),
    ];
    documents.extend(
        StatementType::ALL
            .iter()
            .map(|kind| document(&format!("statement-{kind}"), |generator| statement(*kind, generator))),
    );
    documents
        .extend(wire().into_iter().map(|(name, schema)| document(&format!("wire-{}", kebab(name)), schema)));
    documents
}

/// A function that gives the schema of one type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Value;

macro_rules! wire_records {
    ($($name:ident)*) => {
        /// Every record of the wire format by its type's name.
        pub(crate) fn wire() -> Vec<(&'static str, SchemaOf)> {
            vec![$((stringify!($name), schema_of::<v1::$name> as SchemaOf)),*]
        }
    };
}

wire_records! {
    ArtifactList ArtifactSummary ArtifactView BlobQuery BlobStored ChannelSchedules ChunksQuery ChunksStored Consistency ConsistencyProof
    ConsistencyQuery Cosigned CosignedCheckpoints CosignedQuery DueView Ended EntriesQuery Gate GateQuery GrantList GrantQuery HeldArtifact History HistoryQuery KeptReason KnownGood KnownGoodQuery LastSweep LineAnswer ListQuery LogEntries LoggedEntry
    MissingAnswer MissingChunk MissingQuery ObjectiveView OidcExchange PassedOver PlanStep PolicyChain PolicyQuery Problem ProvenEntry Receipt
    RegistryInfo RetentionView ScheduleList ScheduleQuery ScrubOrder ScrubRequest ScrubRun ScrubStatus ShownGrant Status Submission SweepOrder SweepReport SweepRequest SweepRun SweepStatus SweptArtifact WitnessStatus
}

/// A generator whose definitions lie under `place`.
pub(crate) fn generator(place: &'static str) -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .for_deserialize()
        .with(|s| s.definitions_path = place.into())
        .into_generator()
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

fn document(name: &str, schema: impl FnOnce(&mut SchemaGenerator) -> Value) -> (String, Value) {
    let mut generator = generator("/$defs");
    let mut document = schema(&mut generator);
    let top = document.as_object_mut().expect("every document is an object");
    top.insert("$schema".to_owned(), META_SCHEMA.into());
    top.insert("$id".to_owned(), format!("urn:holdfast:schema:{name}:v1").into());
    top.insert("title".to_owned(), name.replace('-', " ").into());
    let definitions = generator.take_definitions(true);
    if !definitions.is_empty() {
        top.insert("$defs".to_owned(), definitions.into());
    }
    strict(&mut document);
    (format!("{name}.schema.json"), document)
}

/// The in-toto Statement around one type's predicate.
fn statement(kind: StatementType, generator: &mut SchemaGenerator) -> Value {
    let predicate = kind.schema()(generator).to_value();
    let subject = generator.subschema_for::<Subject>().to_value();
    let description = predicate.get("description").cloned().unwrap_or_default();
    json!({
        "description": description,
        "type": "object",
        "properties": {
            "_type": { "const": STATEMENT_TYPE },
            "subject": { "type": "array", "items": subject },
            "predicateType": { "const": kind.urn() },
            "predicate": predicate,
        },
        "required": ["_type", "subject", "predicateType", "predicate"],
        "additionalProperties": false,
    })
}

/// A manifest, with the body that its `schema` asks for.
fn manifest(generator: &mut SchemaGenerator) -> Value {
    let mut schema = schema_of::<ManifestDocument>(generator);
    let names: Vec<String> = Kind::ALL.iter().map(|kind| kind.manifest_schema()).collect();
    let cases: Vec<Value> = Kind::ALL
        .iter()
        .map(|kind| {
            let body = body(*kind, generator);
            json!({
                "if": { "properties": { "schema": { "const": kind.manifest_schema() } } },
                "then": { "properties": { "body": body } },
            })
        })
        .collect();
    schema["allOf"] = cases.into();
    schema["properties"]["schema"] =
        json!({ "description": "Which kind of manifest this is.", "enum": names });
    schema["properties"]["body"] = json!({ "description": "What the kind adds.", "type": "object" });
    // Only the bodies' own definitions are wanted, not the union that stands for all of them.
    generator.definitions_mut().remove("AnyBody");
    schema
}

fn body(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    match kind {
        Kind::Release => generator.subschema_for::<ReleaseBody>(),
        Kind::Schema => generator.subschema_for::<SchemaBody>(),
        Kind::Flags => generator.subschema_for::<FlagsBody>(),
        Kind::Snapshot => generator.subschema_for::<SnapshotBody>(),
        Kind::Build | Kind::Config | Kind::Runbook | Kind::Image => generator.subschema_for::<NoBody>(),
    }
    .to_value()
}

/// `KnownGoodQuery` as `known-good-query`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
