//! Sweeping on demand of whoever holds the node's own keys.

use holdfast_formats::wire::v1::{ProblemCode, SweepRequest, SweepStatus};

use super::{Failure, Service};

impl Service {
    /// Begins a run where one is ordered, and says how sweeping does.
    pub fn operate_sweep(&self, request: &SweepRequest) -> Result<SweepStatus, Failure> {
        if let Some(order) = &request.start
            && !self.inner.sweeper.order(order.dry_run)
        {
            let detail = "a sweep is running on this node: wait until it is done";
            return Err(Failure::new(ProblemCode::Conflict, detail));
        }
        Ok(self.inner.sweeper.status())
    }
}
