import { type Static, Type } from 'typebox'
import {
  contract,
  Estimate,
  JsonObject,
  Name,
  object,
  oneOf,
  optional,
  page,
  paging,
  Time,
} from '../../core/contract.ts'

/** In order of loudness: labels wrong, served features differ, service, drift. */
export const Signal = oneOf(['bias', 'quality', 'parity', 'errors', 'latency', 'drift'])
export type Signal = Static<typeof Signal>

export const Window = object({
  model: Name,
  from: Time,
  to: Time,
  release: Type.String({ description: 'Who was live for most of it' }),
  requests: Type.Integer(),
  labelled: Type.Integer(),
  meanPrediction: Estimate,
  meanLabel: Estimate,
  bias: Estimate,
  logLoss: Estimate,
  auc: Estimate,
  errorRate: Estimate,
  p95Ms: Estimate,
  /** Population stability index per input and of the score, against the training set. */
  drift: Type.Array(
    object({ column: Type.String(), psi: Type.Number(), critical: Type.Number(), drifted: Type.Boolean() }),
  ),
})

export const Alert = object({
  id: Type.String(),
  model: Name,
  signal: Signal,
  severity: oneOf(['page', 'digest']),
  state: oneOf(['firing', 'resolved']),
  summary: Type.String(),
  release: Type.String(),
  window: object({ from: Time, to: Time }),
  value: Estimate,
  threshold: Type.Number(),
  thresholdFrom: Type.String({ description: 'Where the threshold comes from, in words' }),
  verdict: Type.Union([oneOf(['real', 'noise', 'duplicate']), Type.Null()]),
  firedAt: Time,
  resolvedAt: Type.Union([Time, Type.Null()]),
})

export const monitoring = contract({
  series: {
    method: 'GET',
    path: '/models/:model/windows',
    role: 'viewer',
    summary: 'Windows of a model, oldest first: quality, bias, service and drift, each with n and interval',
    input: object({ model: Name, from: optional(Time), to: optional(Time), limit: paging.limit }),
    output: page(Window),
  },
  drift: {
    method: 'GET',
    path: '/models/:model/drift',
    role: 'viewer',
    summary: 'Did the world move? Newest window against the training set, column by column, largest first',
    input: object({ model: Name }),
    output: object({ model: Name, window: Type.Union([Window, Type.Null()]), reference: Type.String() }),
  },
  listAlerts: {
    method: 'GET',
    path: '/alerts',
    role: 'viewer',
    summary: 'Alerts, newest first',
    input: object({ model: optional(Name), state: optional(oneOf(['firing', 'resolved'])), ...paging }),
    output: page(Alert),
  },
  getAlert: {
    method: 'GET',
    path: '/alerts/:alert',
    role: 'viewer',
    summary: 'One alert',
    input: object({ alert: Name }),
    output: Alert,
  },
  judgeAlert: {
    method: 'POST',
    path: '/alerts/:alert/verdict',
    role: 'member',
    summary: 'Was it real? Verdicts make the precision of alerts',
    input: object({
      alert: Name,
      verdict: oneOf(['real', 'noise', 'duplicate']),
      note: optional(Type.String({ maxLength: 2000 })),
    }),
    output: Alert,
  },
  explainThresholds: {
    method: 'GET',
    path: '/models/:model/thresholds',
    role: 'viewer',
    summary: 'Every threshold that is watched now, and what it was calibrated on',
    input: object({ model: Name }),
    output: object({
      thresholds: Type.Array(
        object({ signal: Signal, threshold: Type.Number(), from: Type.String(), detail: JsonObject }),
      ),
    }),
  },
})
