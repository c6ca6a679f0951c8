import { ApiError, call, query } from "./http";
import type {
  Anomaly,
  AuditEntry,
  DeadLetter,
  Disposition,
  MarkResult,
  MarkScope,
  ModelCard,
  Notice,
  Page,
  Removed,
  Role,
  Session,
} from "./types";

const V1 = "/api/v1";

/** Every call of docs/API.md that the dashboard makes. */
export const api = {
  me: () => call<{ role: Role }>("GET", `${V1}/auth/me`),
  link: (link: string) => call<unknown>("POST", `${V1}/auth/link`, { link }),
  logout: () => call<unknown>("POST", `${V1}/auth/logout`),

  trainStart: () => call<{ session_id: string; message: string }>("POST", `${V1}/train/start`),
  trainStop: () => call<{ session_id: string; events_count: number }>("POST", `${V1}/train/stop`),
  liveStart: () => call<{ session_id: string; message: string }>("POST", `${V1}/live/start`),
  liveStop: () => call<{ session_id: string; events_count: number; anomalies_count: number; trust: number }>("POST", `${V1}/live/stop`),

  anomaly: (id: string, signal?: AbortSignal) => call<Anomaly>("GET", `${V1}/anomalies/${encodeURIComponent(id)}`, undefined, signal),
  anomalies: (cursor?: string | null, signal?: AbortSignal) =>
    call<Page<Anomaly>>("GET", query(`${V1}/anomalies`, { limit: 1000, cursor }), undefined, signal),
  sessions: (signal?: AbortSignal) => call<Page<Session>>("GET", query(`${V1}/sessions`, { limit: 50 }), undefined, signal),
  closeSession: (id: string) => call<Session>("POST", `${V1}/admin/sessions/${encodeURIComponent(id)}/close`),
  models: (signal?: AbortSignal) => call<Page<ModelCard>>("GET", query(`${V1}/models`, { limit: 20 }), undefined, signal),
  notices: (signal?: AbortSignal) => call<Page<Notice>>("GET", query(`${V1}/notices`, { limit: 100 }), undefined, signal),
  audit: (cursor?: string | null, signal?: AbortSignal) =>
    call<Page<AuditEntry>>("GET", query(`${V1}/audit`, { limit: 100, cursor }), undefined, signal),
  deadLetters: (signal?: AbortSignal) => call<Page<DeadLetter>>("GET", query(`${V1}/dead-letters`, { limit: 100 }), undefined, signal),

  markNormal: (anomalyId: string, scope: MarkScope, comment: string, preview: boolean) =>
    call<MarkResult>("POST", `${V1}/admin/mark_normal`, { anomaly_id: anomalyId, scope, comment, preview }),
  undoMark: (mark: string) => call<MarkResult>("POST", `${V1}/admin/marks/${encodeURIComponent(mark)}/undo`),
  label: (anomalyId: string, disposition: Exclude<Disposition, "false_positive"> | null, comment: string) =>
    call<Anomaly>("POST", `${V1}/admin/label`, { anomaly_id: anomalyId, disposition, comment }),
  reset: () => call<{ message: string; removed: Removed }>("POST", `${V1}/admin/reset`, { confirm: "RESET" }),

  /** What a reset would remove. The server answers a reset without its confirmation with these counts. */
  async resetDryRun(): Promise<Removed | null> {
    try {
      await call("POST", `${V1}/admin/reset`, {});
      return null;
    } catch (error) {
      if (error instanceof ApiError && error.code === "confirmation_needed") {
        return (error.body as { removed?: Removed }).removed ?? null;
      }
      throw error;
    }
  },
};

/** What to tell a person about a failed call. */
export function explain(error: unknown): string {
  return error instanceof Error ? error.message : "The server did not answer.";
}
