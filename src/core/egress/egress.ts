export { guardedFetch } from './fetch.ts'
export { checkDestination, guardedLookup, isListed, send } from './guard.ts'
export { readBody } from './read-body.ts'
