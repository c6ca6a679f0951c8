//! Raw records become events, or rejects with their reason.

use crate::feed::Chunk;
use crate::output::{Output, Rejected};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::progress::operate::FrontierInterest;
use trustfold_event::event::Event;
use trustfold_event::parse::parse;

type Vectors<T> = timely::container::CapacityContainerBuilder<Vec<T>>;

/// Parses the records of a chunk, in order.
pub fn normalise_chunk(chunk: &Chunk, events: &mut Vec<Event>, rejects: &mut Vec<Output>) {
    let Some(batch) = chunk.frame.batches.get(chunk.batch as usize) else { return };
    events.reserve((chunk.upto - chunk.from) as usize);
    for at in chunk.from..chunk.upto {
        let index = chunk.base + at;
        match parse(batch.format, batch.record(at as usize), chunk.frame.stamp) {
            Ok(parsed) => events.push(parsed.to_event(index, &chunk.keys, chunk.frame.stamp)),
            Err(reject) => rejects.push(Output::Rejected(Box::new(Rejected { index, reject }))),
        }
    }
}

/// The shell: chunks in, events and rejects out.
pub fn normalise<'s>(chunks: StreamVec<'s, u64, Chunk>) -> (StreamVec<'s, u64, Event>, StreamVec<'s, u64, Output>) {
    let mut builder = OperatorBuilder::new("Normalise".to_owned(), chunks.scope());
    let mut input = builder.new_input(chunks, Pipeline);
    builder.set_notify_for(0, FrontierInterest::Never);
    let (events_out, events_stream) = builder.new_output::<Vec<Event>>();
    let (rejects_out, rejects_stream) = builder.new_output::<Vec<Output>>();
    let mut events_out = OutputBuilder::<u64, Vectors<Event>>::from(events_out);
    let mut rejects_out = OutputBuilder::<u64, Vectors<Output>>::from(rejects_out);
    builder.build(move |initial| {
        drop(initial);
        let (mut events, mut rejects) = (Vec::new(), Vec::new());
        move |_| {
            input.for_each(|time, batch| {
                for chunk in batch.drain(..) {
                    normalise_chunk(&chunk, &mut events, &mut rejects);
                }
                if !events.is_empty() {
                    events_out.activate().session(&time.retain(0)).give_container(&mut events);
                    events.clear();
                }
                if !rejects.is_empty() {
                    rejects_out.activate().session(&time.retain(1)).give_container(&mut rejects);
                    rejects.clear();
                }
            });
        }
    });
    (events_stream, rejects_stream)
}
