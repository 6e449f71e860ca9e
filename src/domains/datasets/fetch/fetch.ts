export { fetch, fetchProblems, fetchSource, lastFetch, planFetches } from './fetch-source.ts'
