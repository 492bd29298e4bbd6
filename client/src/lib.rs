//! The client library that pipelines and rollback tools embed. It does not trust the registry.
//!
//! A [`Registry`] is opened from what a repository trusts ([`Places`]) and hands out only what was checked: signatures
//! against the policy, places in the log, consistency with what this machine saw before, freshness, and every byte.
//! Whatever fails a check is a [`ClientError`] that knows the exit code it stands for. Nothing here prints.
//!
//! [`login`] makes the first policy, key and token. Every write is a [`Draft`] that is submitted at once or prepared,
//! signed by several keys, and submitted later ([`Prepared`]).

mod approval;
mod artifact;
mod atomic_file;
pub mod audit;
mod blocking;
pub mod bundle;
mod catalog;
mod clock;
mod credentials;
mod cutter;
mod download;
mod drafts;
mod entries;
mod error;
pub mod evidence;
pub mod fork;
mod id_tokens;
pub mod import;
mod job_login;
pub mod keys;
mod login;
mod lookup;
pub mod monitor;
mod places;
pub mod policy;
mod progress;
mod pull;
mod push;
mod randomness;
mod release;
mod restore;
mod retention;
mod schedules;
mod session;
mod snapshot;
mod source;
mod state;
mod statement;
mod stored_chunk;
pub mod stream;
#[cfg(test)]
mod test_log;
#[cfg(test)]
mod test_server;
mod tokens;
mod transport;
mod tree;
mod upload;
mod witnesses;

pub use approval::Approvals;
pub use artifact::ArtifactRecord;
pub use audit::{AuditError, AuditReport, AuditRequest, Compared, Finding, FindingKind, PolicyLine};
pub use bundle::{Bundle, BundleError, BundleSummary};
pub use catalog::{CatalogFile, Entries};
pub use clock::{Clock, FixedClock, SharedClock, SystemClock};
pub use download::Pulled;
pub use drafts::{GrantDraft, PinDraft};
pub use entries::{HistoryEntry, HistoryPage};
pub use error::{CheckError, ClientError, FileAction};
pub use fork::VerifiedFork;
pub use id_tokens::{IdTokenError, github_id_token};
pub use job_login::{JobLoggedIn, JobLogin, login_job};
pub use login::{LoggedIn, LoginRequest, login};
pub use lookup::Lookup;
pub use places::Places;
pub use progress::{Activity, Progress, Quiet};
pub use pull::LocalVerification;
pub use push::{About, PushRequest, Pushed, Staged};
pub use randomness::new_id;
pub use release::{ComponentDraft, ReleaseDraft, ReleaseRequest};
pub use restore::{Change, ChangeKind, RestoreFailure, RestoreInto, RestoreRequest, Restored};
pub use session::{LogView, OpenOptions, Registry, Submitted};
pub use snapshot::{
    ExcludeError, ParentChoice, Snapshot, SnapshotError, StagedTree, TreeRequest, TreeStats, Unread,
    UnreadReason,
};
pub use statement::{Draft, Prepared};
pub use tokens::Tokens;
pub use tree::{Difference, PathPattern, TreeError, changed_fields, differences};
pub use upload::Content;
