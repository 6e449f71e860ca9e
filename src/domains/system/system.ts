export { advanceClock, keepSimulated, savedClock } from './clock.ts'
export { doctor } from './doctor.ts'
export { getJob, listEvents as events } from './feed.ts'
export { address, info, provideAddress, provideWorker } from './server.ts'
