export { compareRecords, type RecordComparison } from './compare-records.ts'
