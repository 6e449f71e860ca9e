export { findingKinds } from './rules.ts'
export { refuseByPolicy, type ScanReport, scanArtifact } from './scanner.ts'
