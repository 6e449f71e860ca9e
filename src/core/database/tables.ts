export type CoreTables = {
  events: EventsTable
  jobs: JobsTable
  schedules: SchedulesTable
  clock: { id: number; now: string }
}

export type EventsTable = {
  seq: number
  at: string
  type: string
  subject: string
  actor: string
  cause: string
  request_id: string
  data: string
  delivered: number
}

export type JobsTable = {
  id: string
  kind: string
  key: string | null
  payload: string
  state: string
  run_at: string
  attempts: number
  max_attempts: number
  fence: number
  lease_until: number
  progress: string | null
  result: string | null
  error: string | null
  created_at: string
  finished_at: string | null
}

export type SchedulesTable = {
  name: string
  kind: string
  payload: string
  cron: string
  zone: string
  next_at: string
  paused: number
}
