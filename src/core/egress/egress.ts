export { checkDestination, guardedLookup, isListed, send } from './guard.ts'
