//! What the node says about itself: logs, metrics, and its last words.

mod fatal;
mod logging;
mod metrics;
mod schedules;
mod scrubs;
mod sweeps;
mod witnesses;

pub use fatal::Fatal;
pub use logging::{LoggingError, start_logging};
pub use metrics::{HttpMetrics, LogMetrics, METRICS_CONTENT_TYPE, Metrics};
pub use schedules::{ScheduleCounts, ScheduleMetrics};
pub use sweeps::SweepMetrics;
pub use witnesses::WitnessMetrics;
