import type { ModelCard } from "../api/types";
import { count, moment, percent, score, short } from "../format";

/** What is known of a model: what it was made from, and where its threshold lies. */
export function ModelCardPanel({ model, meta }: { model: ModelCard; meta?: string }) {
  return (
    <section className="panel flex-none" aria-labelledby="model-title" data-testid="model-card">
      <div className="ph">
        <h2 id="model-title">Model in use</h2>
        {meta ? <span className="meta">{meta}</span> : null}
        <span className="end">
          <span className="tag ok">active</span>
        </span>
      </div>
      <dl className="kv px-3.5 pb-3.5">
        <dt>Digest</dt>
        <dd className="mono ell" title={model.digest} data-testid="model-digest">
          {short(model.digest, 16)}
        </dd>
        <dt>Events</dt>
        <dd>{count(model.events)}</dd>
        <dt>Rows drawn</dt>
        <dd>{count(model.rows)}</dd>
        <dt>Entities</dt>
        <dd>{count(model.entities)}</dd>
        {model.marked_rows > 0 ? (
          <>
            <dt>Marked normal</dt>
            <dd>{count(model.marked_rows)} rows</dd>
          </>
        ) : null}
        <dt>Forest</dt>
        <dd>
          {count(model.trees)} trees of {count(model.tree_sample)}, seed {model.seed}
        </dd>
        <dt>Threshold</dt>
        <dd>
          {score(model.threshold)}, {percent(model.contamination)} of training above it
        </dd>
        <dt>Learned from</dt>
        <dd>
          {model.first_event && model.last_event ? `${moment(model.first_event)} – ${moment(model.last_event)}` : "unknown"}
        </dd>
      </dl>
    </section>
  );
}
