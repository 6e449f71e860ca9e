export { append, type Event, latestEvents, readEvents } from './events.ts'
export { enqueue, getJob, nextTick, reclaimAll, schedule, unschedule } from './jobs.ts'
export { createWorker, type JobHandler, type JobTools, type Reaction, type Worker } from './worker.ts'
