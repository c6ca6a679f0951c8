//! The shell that most operators share: it waits until an epoch is closed, then hands over the whole of it.

use crate::head::Head;
use std::collections::BTreeMap;
use timely::ExchangeData;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{ParallelizationContract, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;

type Vectors<T> = timely::container::CapacityContainerBuilder<Vec<T>>;

/// Logic that takes one closed epoch after the other.
pub trait EpochLogic: 'static {
    /// What comes in.
    type In: 'static;
    /// What goes out first.
    type Out: Clone + 'static;
    /// What goes out beside it.
    type Side: Clone + 'static;

    /// Takes the items of an epoch, in no particular order, applies the head's control after them, and adds to the
    /// outputs. Called once for each epoch, in order, on every worker.
    fn epoch(&mut self, head: &Head, items: &mut Vec<Self::In>, out: &mut Vec<Self::Out>, side: &mut Vec<Self::Side>);
}

/// One epoch while it is being collected.
struct Open<T> {
    items: Vec<T>,
    head: Option<Head>,
    capabilities: Option<(Capability<u64>, Capability<u64>)>,
}

impl<T> Default for Open<T> {
    fn default() -> Self {
        Self { items: Vec::new(), head: None, capabilities: None }
    }
}

/// Runs `logic` over the closed epochs of `items`, with their heads.
///
/// An epoch is closed once neither input can bring more of it. Containers of an epoch are put together in arrival
/// order; the logic sorts where order matters.
pub fn by_epoch<'s, L, P>(
    items: StreamVec<'s, u64, L::In>,
    pact: P,
    heads: StreamVec<'s, u64, Head>,
    name: &str,
    mut logic: L,
) -> (StreamVec<'s, u64, L::Out>, StreamVec<'s, u64, L::Side>)
where
    L: EpochLogic,
    L::In: Clone,
    P: ParallelizationContract<u64, Vec<L::In>>,
{
    let mut builder = OperatorBuilder::new(name.to_owned(), items.scope());
    let mut items_in = builder.new_input(items, pact);
    let mut heads_in = builder.new_input(heads, Pipeline);
    let (out, out_stream) = builder.new_output::<Vec<L::Out>>();
    let (side, side_stream) = builder.new_output::<Vec<L::Side>>();
    let mut out = OutputBuilder::<u64, Vectors<L::Out>>::from(out);
    let mut side = OutputBuilder::<u64, Vectors<L::Side>>::from(side);
    builder.build(move |initial| {
        // Kept, they would hold back the outputs' frontiers for ever.
        drop(initial);
        let mut open: BTreeMap<u64, Open<L::In>> = BTreeMap::new();
        let (mut out_items, mut side_items) = (Vec::new(), Vec::new());
        move |frontiers| {
            items_in.for_each(|time, batch| {
                let epoch = open.entry(*time.time()).or_default();
                epoch.capabilities.get_or_insert_with(|| (time.retain(0), time.retain(1)));
                if epoch.items.is_empty() { epoch.items = std::mem::take(batch) } else { epoch.items.append(batch) }
            });
            heads_in.for_each(|time, batch| {
                let epoch = open.entry(*time.time()).or_default();
                epoch.capabilities.get_or_insert_with(|| (time.retain(0), time.retain(1)));
                epoch.head = batch.pop();
            });
            while let Some(entry) = open.first_entry() {
                if frontiers.iter().any(|f| f.less_equal(entry.key())) {
                    break;
                }
                let mut epoch = entry.remove();
                let (Some(head), Some((out_capability, side_capability))) = (epoch.head.take(), epoch.capabilities.take()) else {
                    // A head goes with every epoch that the feed opens; without one there is nothing to decide by.
                    debug_assert!(false, "an epoch without a head");
                    continue;
                };
                logic.epoch(&head, &mut epoch.items, &mut out_items, &mut side_items);
                if !out_items.is_empty() {
                    out.activate().session(&out_capability).give_container(&mut out_items);
                    out_items.clear();
                }
                if !side_items.is_empty() {
                    side.activate().session(&side_capability).give_container(&mut side_items);
                    side_items.clear();
                }
            }
        }
    });
    (out_stream, side_stream)
}

/// Routes by an already mixed hash.
pub fn by_hash<T: ExchangeData>(hash: impl Fn(&T) -> u64 + 'static) -> impl ParallelizationContract<u64, Vec<T>> {
    timely::dataflow::channels::pact::Exchange::new(move |item: &T| hash(item))
}
