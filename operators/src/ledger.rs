//! The trust ledger: penalties per scope as a differential collection, in which retracting is inserting the opposite.
//!
//! ```text
//! findings ──┐ (+points)
//!            ├── updates ── sum per scope ── changes of sums
//! marks ─────┘ (−points)
//! ```
//!
//! **Invariant:** a scope's sum is the sum of its standing rows, at every epoch, whatever the order in which they came.

use crate::epochs::{EpochLogic, by_epoch};
use crate::head::Head;
use crate::judge::LedgerUpdate;
use crate::output::{Output, ScopeKey, TrustSum};
use differential_dataflow::AsCollection;
use differential_dataflow::operators::CountTotal;
use std::collections::BTreeMap;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::vec::Delay;

/// A change of the collection of sums: (scope, sum), time, difference.
type SumChange = ((ScopeKey, isize), u64, isize);

struct Changes;

impl EpochLogic for Changes {
    type In = SumChange;
    type Out = Output;
    type Side = ();

    fn epoch(&mut self, _: &Head, changes: &mut Vec<SumChange>, out: &mut Vec<Output>, _: &mut Vec<()>) {
        // The old sum leaves and the new one enters; a sum of 0 is no row at all.
        let mut sums = BTreeMap::<ScopeKey, TrustSum>::new();
        for ((scope, sum), _, difference) in changes.drain(..) {
            let entry = sums.entry(scope).or_insert(TrustSum { scope, before: 0, after: 0 });
            if difference > 0 { entry.after += sum as i64 } else { entry.before += sum as i64 }
        }
        out.extend(sums.into_values().filter(|s| s.before != s.after).map(|s| Output::Trust(Box::new(s))));
    }
}

/// The shell: updates in, changed sums out, once an epoch and scope.
pub fn ledger<'s>(updates: StreamVec<'s, u64, LedgerUpdate>, heads: StreamVec<'s, u64, Head>) -> StreamVec<'s, u64, Output> {
    // The points ride in the difference, so that the trace compacts to one sum a scope.
    let sums = updates.as_collection().count_total();
    // A batch of several epochs is sent at the first of them: each change goes to its own epoch.
    let changes = sums.inner.delay(|(_, epoch, _), _| *epoch);
    by_epoch(changes, Pipeline, heads, "Trust", Changes).0
}
