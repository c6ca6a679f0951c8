import { api } from "../api/client";
import { count, moment, percent, score, short } from "../format";
import { useFetched } from "../state/fetched";
import { useStream } from "../stream";

export function ModelsPanel() {
  const version = useStream((v) => v.stats?.model_version ?? "");
  const training = useStream((v) => v.stats?.training?.id ?? "");
  const { data, error } = useFetched((signal) => api.models(signal), `${version} ${training}`);
  const models = data?.data ?? [];
  return (
    <section className="panel flex-none" aria-labelledby="models-title" data-testid="models">
      <div className="ph">
        <h2 id="models-title">Models</h2>
        <span className="meta">{data ? count(models.length) : ""}</span>
      </div>
      {models.length === 0 ? (
        <p className="text-t3 px-3.5 pb-3.5">{error ?? (data ? "No model yet. Training makes one." : "Loading.")}</p>
      ) : (
        <div className="overflow-x-auto">
          <table className="tb min-w-[620px]" aria-labelledby="models-title">
            <colgroup>
              <col className="w-[170px]" />
              <col className="w-[120px]" />
              <col span={5} />
            </colgroup>
            <thead>
              <tr>
                <th scope="col">Digest</th>
                <th scope="col">Learned until</th>
                <th scope="col" className="r">Events</th>
                <th scope="col" className="r">Rows</th>
                <th scope="col" className="r">Entities</th>
                <th scope="col" className="r">Contamination</th>
                <th scope="col" className="r">Threshold</th>
              </tr>
            </thead>
            <tbody>
              {models.map((m) => (
                <tr key={m.digest}>
                  <td title={m.digest}>
                    <span className="mono text-t1">{short(m.digest, 8)}</span>{" "}
                    {m.digest === version ? <span className="tag ok">active</span> : null}
                  </td>
                  <td>{m.last_event ? moment(m.last_event) : "unknown"}</td>
                  <td className="r">{count(m.events)}</td>
                  <td className="r">{count(m.rows)}</td>
                  <td className="r">{count(m.entities)}</td>
                  <td className="r">{percent(m.contamination)}</td>
                  <td className="r">{score(m.threshold)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
